import type { DatabaseSync } from 'node:sqlite';
import { KEEPING, type Kind, type StoreTransaction } from '../../control/index.ts';
import { notSealedAs, replaceSealed } from './sealed-values.ts';
import { Table } from './table.ts';

/** The store's operations on one connection. src/control/records/store-port.ts defines their contract. */
export function operationsOn(database: DatabaseSync): StoreTransaction {
  const tables = new Map<Kind, unknown>(
    [...KEEPING].map(([kind, keeping]) => [kind, new Table(database, kind, keeping)]),
  );
  const of = <K extends Kind>(kind: K) => tables.get(kind) as Table<K>;
  return {
    get: async (kind, id) => of(kind).get(id),
    find: async (kind, where = {}, window = {}) => of(kind).find(where, window),
    count: async (kind, where = {}) => of(kind).count(where),
    countBy: async (kind, field, where = {}) => of(kind).countBy(String(field), where) as Map<never, number>,
    valuesNotSealedAs: async (mark, limit) => notSealedAs(database, mark, limit),
    insert: async (kind, record) => of(kind).insert(record),
    update: async (kind, record) => of(kind).update(record),
    put: async (kind, record) => of(kind).put(record),
    delete: async (kind, where) => of(kind).delete(where),
    replaceSealed: async (place, value) => replaceSealed(database, place, value),
    appendAuditRecord: async (record) => of('auditRecords').insert(record),
  };
}
