import type { Kind, QueriedFields, Records } from './kinds.ts';
import type { Where, Window } from './query.ts';
import type { AuditRecord, PutBack } from './records.ts';
import type { Sealed, SealedPlace } from './sealer.ts';

/**
 * The store of the control plane. Its contract, which `test/store/conformance.ts` runs against every adapter:
 *
 * 1. `write` is atomic and serializable: no other write changes its data meanwhile, and it commits completely or not at all.
 * 2. A `write` that resolved is durable: it survives SIGKILL and power loss. A `write` whose work threw has changed nothing.
 * 3. The work of a `write` awaits only the transaction's own methods, and has no other effect. An adapter may run several works
 *    together, and may run one again.
 * 4. Reads outside of a write see committed data as soon as the write has resolved. Two reads may see different states.
 * 5. Records are returned as stored, and lists in the order of their kind. Deleted organizations, groups and clusters are records like
 *    others: a query has to exclude them.
 * 6. A key is unique, and so are the names of accounts of a kind, `linkId`, and the names of groups and clusters that are not deleted.
 * 7. Audit records are never changed or removed.
 */
export interface Store extends StoreReader, AsyncDisposable {
  /**
   * Why this store counts as a restored older copy; null when it continues from its last write. An adapter reports it at each opening until
   * a restore is inserted.
   */
  readonly putBack: PutBack | null;
  write<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>;
}

/** The kinds whose records have an `id`. */
export type IdentifiedKind = { [K in Kind]: Records[K] extends { readonly id: string } ? K : never }[Kind];

/** The kinds whose records may be changed. */
export type ChangeableKind = Exclude<Kind, 'auditRecords'>;

export interface StoreReader {
  /** Returns the record with an id; undefined if there is none. */
  get<K extends IdentifiedKind>(kind: K, id: string): Promise<Records[K] | undefined>;
  find<K extends Kind>(kind: K, where?: Where<K>, window?: Window<K>): Promise<Records[K][]>;
  count<K extends Kind>(kind: K, where?: Where<K>): Promise<number>;
  /** Counts records by the value of a field. Values without records are absent. */
  countBy<K extends Kind, F extends keyof QueriedFields[K]>(
    kind: K,
    field: F,
    where?: Where<K>,
  ): Promise<ReadonlyMap<QueriedFields[K][F], number>>;
  /** Returns sealed values of all records that do not start with a sealer's mark. @param mark  empty for all values */
  valuesNotSealedAs(mark: string, limit: number): Promise<{ readonly place: SealedPlace; readonly value: Sealed }[]>;
}

/** The writes of a transaction. */
export interface StoreTransaction extends StoreReader {
  /** @throws when a record with its key or unique name exists */
  insert<K extends ChangeableKind>(kind: K, record: Records[K]): Promise<void>;
  /** @throws when no record has its id, or another one has its unique name */
  update<K extends ChangeableKind & IdentifiedKind>(kind: K, record: Records[K]): Promise<void>;
  /** Stores a record instead of the one with its key, if there is one. */
  put<K extends ChangeableKind>(kind: K, record: Records[K]): Promise<void>;
  delete<K extends ChangeableKind>(kind: K, where: Where<K>): Promise<void>;
  replaceSealed(place: SealedPlace, value: Sealed): Promise<void>;
  /** @throws when a record with its id or sequence exists */
  appendAuditRecord(record: AuditRecord): Promise<void>;
}

/** Returns the first record that meets the conditions, which select one at most; undefined if there is none. */
export async function findOne<K extends Kind>(
  store: StoreReader,
  kind: K,
  where: Where<K>,
): Promise<Records[K] | undefined> {
  return (await store.find(kind, where))[0];
}
