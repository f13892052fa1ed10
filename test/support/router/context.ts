import type { Document } from 'mongodb';
import type { Catalog } from './catalog.ts';
import type { ChangeStreams } from './change-streams.ts';
import type { ClusterClock } from './cluster-clock.ts';
import type { Connections } from './connections.ts';
import type { Cursors } from './cursors.ts';
import type { Request } from './request.ts';
import type { Transactions } from './transactions.ts';

/** The state that all clients of one router share. The cursors and transactions of another router are unknown here. */
export interface Shared {
  readonly catalog: Catalog;
  readonly clock: ClusterClock;
  readonly cursors: Cursors;
  readonly streams: ChangeStreams;
  readonly transactions: Transactions;
  /** Index of the shard whose own router code answers reads and writes without a number. */
  readonly via: number;
}

/** Holds everything that a handler needs to answer a command of one client. */
export interface Context extends Shared {
  readonly connections: Connections;
}

/** Answers one command, with a document or with its bytes. */
export type Handler = (request: Request, context: Context) => Promise<Buffer | Document>;
