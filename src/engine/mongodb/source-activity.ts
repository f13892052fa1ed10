import type { Document, MongoClient } from 'mongodb';
import { isSharded } from './sharding.ts';

/** Something on the source that a write block would wait for, or abort. */
interface Activity {
  /** `appName` of the client; null when it has none. */
  readonly application: string | null;
  readonly seconds: number;
}

/** The operations of users on the source for which a cutover has to wait. */
export interface SourceActivity {
  /** Open transactions, the oldest first. */
  readonly transactions: readonly Activity[];
  /** Index builds of users, the oldest first. */
  readonly indexBuilds: readonly (Activity & { readonly namespace: string })[];
  /** Whether users wait for a transaction, too, when the block has begun to be set: on a sharded source. */
  readonly usersWait?: boolean;
}

/** Operators rather have no answer than a slow one. */
const WITHIN_MS = 2_000;

/** Returns the long transactions and the index builds on the source. @param longSeconds  ignores younger transactions */
export async function readSourceActivity(source: MongoClient, longSeconds: number): Promise<SourceActivity> {
  const operations = await source
    .db('admin')
    .aggregate(
      [
        { $currentOp: { allUsers: true, idleSessions: true } },
        {
          $match: {
            $or: [
              { 'transaction.timeOpenMicros': { $gt: longSeconds * 1e6 } },
              { 'command.createIndexes': { $exists: true }, ns: { $not: /^(admin|config|local)\./ } },
            ],
          },
        },
        { $project: { ns: 1, appName: 1, microsecs_running: 1, 'transaction.timeOpenMicros': 1 } },
      ],
      // `$currentOp` accepts no other.
      { readConcern: { level: 'local' }, maxTimeMS: WITHIN_MS },
    )
    .toArray();
  const isTransaction = ({ transaction }: Document) => transaction !== undefined;
  const oldestFirst = (a: Activity, b: Activity) => b.seconds - a.seconds;
  return {
    usersWait: isSharded(source),
    transactions: operations
      .filter(isTransaction)
      .map((one) => ({ application: applicationOf(one), seconds: secondsOf(one.transaction.timeOpenMicros) }))
      .sort(oldestFirst),
    indexBuilds: operations
      .filter((one) => !isTransaction(one) && !isBuiltFor(one, operations))
      .map((one) => ({ application: applicationOf(one), seconds: secondsOf(one.microsecs_running), namespace: one.ns }))
      .sort(oldestFirst),
  };
}

/** Servers list a build twice while its client waits: the client's command, and the thread that builds. */
function isBuiltFor(thread: Document, operations: readonly Document[]): boolean {
  const isClient = (one: Document) => one.ns === thread.ns && !one.transaction && applicationOf(one) !== null;
  return applicationOf(thread) === null && operations.some(isClient);
}

function applicationOf({ appName }: Document): string | null {
  return typeof appName === 'string' && appName !== '' ? appName : null;
}

/** Servers report numbers of several BSON types. */
function secondsOf(micros: unknown): number {
  return Math.floor(Number(micros ?? 0) / 1e6);
}
