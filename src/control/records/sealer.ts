import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

declare const sealed: unique symbol;

/** An encrypted secret that may be stored on disk. Only a {@link Sealer} creates and opens it, so no store sees a secret. */
export type Sealed = string & { readonly [sealed]: true };

/** The record and field of a sealed value. It opens only with this place, so copying it to another record or field reveals nothing. */
export interface SealedPlace {
  readonly kind: string;
  readonly id: string;
  readonly field: string;
}

const FORMAT = 2;
/** Length of a key id. Together with the format byte a multiple of 3, so that whole base64 characters encode the key id. */
const KEY_ID_BYTES = 5;
const MARK_LENGTH = ((1 + KEY_ID_BYTES) * 4) / 3;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface MasterKey {
  readonly master: Buffer;
  /** Prefix of the values that are sealed with this key. */
  readonly mark: string;
  readonly sealing: Buffer;
  /** Derived keys by purpose. Each audit record and each poll of an agent needs one, and a derivation costs more than its use. */
  readonly derived: Map<string, Buffer>;
}

/** Seals secrets with AES-256-GCM. It derives keys from master keys, seals with the first and opens with any. */
export class Sealer {
  #keys: readonly MasterKey[];
  /** Known keys that don't seal any more. */
  readonly #former: Set<MasterKey>;

  /** @param masterKeys  32 random bytes each. The first one seals; the others were rotated out before this process started */
  constructor(masterKeys: readonly Buffer[]) {
    this.#keys = masterKeys.map(readKey);
    this.#former = new Set(this.#keys.slice(1));
  }

  /** Prefix of the values that are sealed with the current sealing key. */
  get mark(): string {
    return this.#first.mark;
  }

  /**
   * Replaces the master keys.
   * @throws when the current sealing key is not among them, because its values would be lost
   */
  use(masterKeys: readonly Buffer[]): void {
    const keys = masterKeys.map((master) => this.#known(master) ?? readKey(master));
    if (!keys.some(({ mark }) => mark === this.mark)) throw new Error('the key in use is not among them');
    this.#keys = keys;
    this.#former.delete(this.#first);
    for (const key of keys.slice(1)) this.#former.add(key);
  }

  #known(master: Buffer): MasterKey | undefined {
    return [...this.#keys, ...this.#former].find((key) => key.master.equals(master));
  }

  /** Derives a key of 32 bytes for another purpose; always the same for the same master key. */
  deriveKey(purpose: string): Buffer {
    return derivedOf(this.#first, purpose);
  }

  /** {@link deriveKey} for every known master key, the current one first. */
  deriveKeys(purpose: string): Buffer[] {
    return [this.#first, ...this.#former].map((key) => derivedOf(key, purpose));
  }

  seal(secret: string, place: SealedPlace): Sealed {
    const { mark, sealing } = this.#first;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(bound(place));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return (mark + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')) as Sealed;
  }

  /** @throws when the master key or the place differs from the one that the value was sealed with */
  open(value: Sealed, place: SealedPlace): string {
    const mark = value.slice(0, MARK_LENGTH);
    const key = this.#keys.find((each) => each.mark === mark);
    if (!key) throw new Error(`The sealed value in ${place.kind} needs another master key`);
    return unseal(Buffer.from(value, 'base64url').subarray(1 + KEY_ID_BYTES), key.sealing, place);
  }

  get #first(): MasterKey {
    const [first] = this.#keys;
    if (!first) throw new Error('There is no master key');
    return first;
  }
}

function readKey(master: Buffer): MasterKey {
  const id = createHash('sha256').update(derive(master, 'key id')).digest().subarray(0, KEY_ID_BYTES);
  const mark = Buffer.concat([Buffer.of(FORMAT), id]).toString('base64url');
  return { master, mark, sealing: derive(master, 'secrets at rest'), derived: new Map() };
}

function derivedOf({ master, derived }: MasterKey, purpose: string): Buffer {
  const key = derived.get(purpose) ?? derive(master, purpose);
  derived.set(purpose, key);
  return key;
}

function derive(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `linkspan ${purpose}`, 32));
}

/** @param bytes  nonce, tag and text */
function unseal(bytes: Buffer, key: Buffer, place: SealedPlace): string {
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(bound(place)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
}

function bound({ kind, id, field }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([kind, id, field]));
}
