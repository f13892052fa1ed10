import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

declare const sealed: unique symbol;

/** A secret as it may lie on a disk. Only a {@link Sealer} makes and opens it, so that no store ever sees a secret. */
export type Sealed = string & { readonly [sealed]: true };

/** Where a sealed value lives. It opens nowhere else: copying it to another row or column gives nothing away. */
export interface SealedPlace {
  readonly table: string;
  readonly id: string;
  readonly field: string;
}

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES;

/** Seals secrets with AES-256-GCM under a key derived from the master key. */
export class Sealer {
  readonly #masterKey: Buffer;
  readonly #key: Buffer;

  /** @param masterKey  32 random bytes */
  constructor(masterKey: Buffer) {
    this.#masterKey = masterKey;
    this.#key = this.deriveKey('secrets at rest');
  }

  /** A key of 32 bytes for another purpose; the same for the same master key. */
  deriveKey(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#masterKey, '', `linkspan ${purpose}`, 32));
  }

  seal(secret: string, place: SealedPlace): Sealed {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(bound(place));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), text]).toString('base64url') as Sealed;
  }

  /** @throws when the master key or the place is another than the value was sealed with */
  open(value: Sealed, place: SealedPlace): string {
    const bytes = Buffer.from(value, 'base64url');
    if (bytes[0] !== FORMAT) throw new Error(`The sealed value in ${place.table} is of an unknown format`);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(1, HEADER_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(bound(place)).setAuthTag(bytes.subarray(HEADER_BYTES, HEADER_BYTES + TAG_BYTES));
    return decipher.update(bytes.subarray(HEADER_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  }
}

function bound({ table, id, field }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([table, id, field]));
}
