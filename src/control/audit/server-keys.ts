import type { KeyObject } from 'node:crypto';
import { loadSigningKey, newSigningKey, publicKeyOf } from '../../link/index.ts';
import { type Clock, newId } from '../../platform/index.ts';
import type { ServerKey } from '../records/records.ts';
import type { Sealer } from '../records/sealer.ts';
import type { Store, StoreTransaction } from '../records/store-port.ts';
import { audit, SYSTEM } from './audit.ts';

/** How long a key continues to sign after its rotation. An agent that is offline longer has to be linked again. */
const OVERLAP_MS = 30 * 86_400_000;

interface ServerKeysOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

interface Loaded {
  readonly key: KeyObject;
  readonly publicKey: string;
  readonly supersededAtMs: number | null;
}

/** The keys with which this control plane signs its answers to agents. */
export class ServerKeys {
  readonly #options: ServerKeysOptions;
  /** Newest first. */
  #loaded: readonly Loaded[];

  private constructor(options: ServerKeysOptions, keys: readonly ServerKey[]) {
    this.#options = options;
    this.#loaded = load(options, keys);
  }

  /** Loads the keys, or creates the first one if there is none. */
  static async open(options: ServerKeysOptions): Promise<ServerKeys> {
    const known = await options.store.find('serverKeys');
    if (known.length > 0) return new ServerKeys(options, known);
    const made = await options.store.write(async (transaction) => {
      await insertNew(options, transaction);
      return await transaction.find('serverKeys');
    });
    return new ServerKeys(options, made);
  }

  /** All keys that sign now. */
  get signing(): readonly KeyObject[] {
    return this.#good.map(({ key }) => key);
  }

  /** Public halves of the signing keys, newest first. */
  get publicKeys(): readonly [string, ...string[]] {
    const [newest, ...others] = this.#good.map(({ publicKey }) => publicKey);
    if (newest === undefined) throw new Error('There is no key to sign with');
    return [newest, ...others];
  }

  /** Creates a new key. The former keys continue to sign for 30 days, so that agents can learn the new one. */
  async rotate(): Promise<void> {
    const { store, clock } = this.#options;
    const keys = await store.write(async (transaction) => {
      const nowMs = clock.now();
      for (const key of await transaction.find('serverKeys'))
        if (key.supersededAtMs === null) await transaction.update('serverKeys', { ...key, supersededAtMs: nowMs });
      const id = await insertNew(this.#options, transaction);
      // The record is about the whole server, so it has no organization.
      await audit(transaction, SYSTEM, nowMs, {
        eventTypeName: 'SERVER_KEY_ROTATED',
        orgId: '',
        details: { keyId: id },
      });
      return await transaction.find('serverKeys');
    });
    this.#loaded = load(this.#options, keys);
  }

  get #good(): readonly Loaded[] {
    const nowMs = this.#options.clock.now();
    return this.#loaded.filter(({ supersededAtMs }) => supersededAtMs === null || nowMs < supersededAtMs + OVERLAP_MS);
  }
}

async function insertNew({ sealer, clock }: ServerKeysOptions, transaction: StoreTransaction): Promise<string> {
  const nowMs = clock.now();
  const id = newId(nowMs);
  const privateKey = sealer.seal(newSigningKey(), placeOf(id));
  await transaction.insert('serverKeys', { id, privateKey, supersededAtMs: null, createdAtMs: nowMs });
  return id;
}

function load({ sealer }: ServerKeysOptions, keys: readonly ServerKey[]): readonly Loaded[] {
  return keys.toReversed().map(({ id, privateKey, supersededAtMs }) => {
    const key = loadSigningKey(sealer.open(privateKey, placeOf(id)));
    return { key, publicKey: publicKeyOf(key), supersededAtMs };
  });
}

function placeOf(id: string) {
  return { kind: 'serverKeys', id, field: 'privateKey' };
}
