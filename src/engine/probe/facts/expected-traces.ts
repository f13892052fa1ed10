import { compareVersions } from '../../mongodb/server-features.ts';
import type { Server } from '../fact.ts';

type Expected = (server: Server) => readonly [string, ...string[]];

const always =
  (...seen: readonly [string, ...string[]]): Expected =>
  () =>
    seen;

/** The behaviour from a level on, and the one before it; the engine handles both. */
const from =
  (level: string, later: string, earlier: string): Expected =>
  (server) =>
    compareVersions(server.level, level) < 0 ? [earlier, later] : [later, earlier];

/**
 * The traces of 6.0 (tried on 6.0.5), and of newer servers by their source: from 8.0 on an insert of several documents is
 * one entry (featureFlagReplicateVectoredInsertsTransactionally), and streams of 9.0 hide time series (SERVER-116464).
 */
export const TRACES = {
  INSERTS: { oplog: from('8.0', 'applyOps of 3 × i', '3 × i'), events: always('3 × insert') },
  NUMBERED_INSERTS: {
    oplog: from('8.0', 'applyOps of 3 × i (numbered, multiOpType 1)', '3 × i (numbered)'),
    events: always('3 × insert'),
  },
  UPDATES: { oplog: always('2 × u'), events: always('update, replace') },
  DELETES: { oplog: always('3 × d', 'applyOps of 3 × d'), events: always('3 × delete') },
  APPLY_OPS: { oplog: always('applyOps of i'), events: always('no event', 'insert') },
  CAPPED_DISCARDS: { oplog: always('i (numbered), d'), events: always('insert, delete') },
  CONVERSION: {
    oplog: always('create, 3 × i (fromMigrate), renameCollection'),
    events: always('create, rename'),
  },
  CATALOG: {
    oplog: always('createIndexes, collMod, dropIndexes, renameCollection, drop'),
    events: always('createIndexes, modify, dropIndexes, rename, drop'),
  },
  VIEW: {
    oplog: always('i, u, d'),
    events: always('create without UUID, modify without UUID, drop without UUID'),
  },
  TIME_SERIES: { oplog: always('i'), events: from('9.0', 'no event', 'insert') },
} as const satisfies Readonly<Record<string, { readonly oplog: Expected; readonly events: Expected }>>;
