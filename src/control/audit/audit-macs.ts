import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { AuditRecord } from '../records/records.ts';
import type { SealedPlace, Sealer } from '../records/sealer.ts';
import type { Store, StoreReader, StoreTransaction } from '../records/store-port.ts';

/** Purpose in the derivation of MAC keys from the master key. */
const PURPOSE = 'audit records';
/** Length of a key id in hexadecimal digits; enough to distinguish a few keys. */
const KEY_ID_LENGTH = 16;

/**
 * Wraps a store so that it adds a MAC to each audit record: HMAC-SHA256 over the record's hash, with a key derived from the master key.
 * The store keeps each MAC key, sealed, so that its records can be checked after a rotation of the master key
 * (docs/adr/0025-audit-macs.md).
 */
export function withAuditMacs(store: Store, sealer: Sealer): Store {
  const currentKey = currentKeyOf(sealer);
  const wrapped = new WeakMap<StoreTransaction, StoreTransaction>();
  const wrap = (transaction: StoreTransaction) => {
    const known = wrapped.get(transaction) ?? withMacs(transaction, sealer, currentKey);
    wrapped.set(transaction, known);
    return known;
  };
  return { ...store, write: (work) => store.write((transaction) => work(wrap(transaction))) };
}

/** A MAC key with its id. */
interface MacKey {
  readonly id: string;
  readonly bytes: Buffer;
  /** The bytes again. An HMAC takes 2 µs with this object, and 14 with the bytes. */
  readonly key: KeyObject;
}

/** Returns the MAC key of the current master key, made once for each: a rotation replaces the master key of a running server. */
function currentKeyOf(sealer: Sealer): () => MacKey {
  let made: MacKey | undefined;
  return () => {
    const bytes = sealer.deriveKey(PURPOSE);
    if (made?.bytes !== bytes) made = { id: keyIdOf(bytes), bytes, key: createSecretKey(bytes) };
    return made;
  };
}

function withMacs(transaction: StoreTransaction, sealer: Sealer, currentKey: () => MacKey): StoreTransaction {
  return {
    ...transaction,
    appendAuditRecord: async (record) => {
      const { id, bytes, key } = currentKey();
      if (!(await transaction.get('auditKeys', id))) {
        const macKey = sealer.seal(bytes.toString('base64url'), placeOf(id));
        await transaction.insert('auditKeys', { id, macKey, createdAtMs: record.createdAtMs });
      }
      await transaction.appendAuditRecord({ ...record, keyId: id, mac: macOf(key, record) });
    },
  };
}

/** Checks the MACs of a chain's records, in order. */
export class AuditMacCheck {
  readonly #store: StoreReader;
  readonly #sealer: Sealer;
  readonly #former = new Set<string>();
  #current: { readonly id: string; readonly key: KeyObject } | undefined;

  constructor(store: StoreReader, sealer: Sealer) {
    this.#store = store;
    this.#sealer = sealer;
  }

  /** @returns the problem of the record; undefined when it has none */
  async problemOf(record: AuditRecord): Promise<string | undefined> {
    const { keyId, mac } = record;
    if (keyId === null || mac === null) return 'it has no MAC';
    if (this.#current?.id !== keyId) {
      // Otherwise a holder of a former master key could append records after the last one of that key.
      if (this.#former.has(keyId)) return 'its MAC uses a key that was rotated out earlier in the chain';
      if (this.#current) this.#former.add(this.#current.id);
      const key = await this.#keyOf(keyId);
      if (!key) return 'the key of its MAC is missing';
      this.#current = { id: keyId, key };
    }
    const good = timingSafeEqual(fixed(macOf(this.#current.key, record)), fixed(mac));
    return good ? undefined : 'its MAC is wrong: it was written without the master key';
  }

  /** @returns the problem of the chain's end; undefined for a valid end or an empty chain */
  problemOfEnd(): string | undefined {
    const last = this.#current;
    const isOfNow = !last || this.#sealer.deriveKeys(PURPOSE).some((key) => keyIdOf(key) === last.id);
    return isOfNow ? undefined : 'its MAC uses a key that was rotated out';
  }

  async #keyOf(id: string): Promise<KeyObject | undefined> {
    const stored = await this.#store.get('auditKeys', id);
    if (!stored) return undefined;
    try {
      return createSecretKey(this.#sealer.open(stored.macKey, placeOf(id)), 'base64url');
    } catch {
      return undefined;
    }
  }
}

function macOf(key: KeyObject, record: Pick<AuditRecord, 'hash'>): string {
  return createHmac('sha256', key).update(record.hash).digest('hex');
}

function keyIdOf(key: Buffer): string {
  return hash('sha256', key).slice(0, KEY_ID_LENGTH);
}

/** A hash of a text, because timingSafeEqual needs inputs of the same length. */
function fixed(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function placeOf(id: string): SealedPlace {
  return { kind: 'auditKeys', id, field: 'macKey' };
}
