import { type MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import { counted, messageOf } from '../../../platform/index.ts';
import { storageOfOplog } from '../../capture/oplog-look.ts';
import { SHARDS_NOT_SEARCHED } from '../../capture/unstreamed-watch.ts';
import { classify } from '../../mongodb/failure-policy.ts';
import { describeUnseen, shardsOf } from '../../mongodb/shard-clients.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

/**
 * Time to repair an agent's host. After a stop that outlasts the oplog, everything has to be compared
 * (docs/reference/pitfalls.md#pitfall-2).
 */
export const LEAST_SECONDS = 3_600;

interface OplogLook extends Pick<Look, 'source' | 'copyTime'> {
  readonly from: Pick<Look['from'], 'sharded' | 'replicaSet'>;
}

/** Compares how far the source's oplog reaches back with how long the copy may take. */
export async function checkOplog(look: OplogLook): Promise<Found[]> {
  if (look.from.sharded) return await checkShardOplogs(look);
  // A stand-alone server has no oplog, and another finding reports that.
  if (!look.from.replicaSet) return [];
  const windowSeconds = await windowOf(look.source);
  const { seconds } = await look.copyTime();
  if (windowSeconds >= Math.max(LEAST_SECONDS, seconds)) return [];
  return [found('OPLOG_SHORT', [duration(windowSeconds), duration(seconds)])];
}

/** Does the same with the oplog of each shard. A change stream needs them all, so the shortest one decides. */
async function checkShardOplogs({ source, copyTime }: OplogLook): Promise<Found[]> {
  const [answers, { seconds }] = await Promise.all([shardsOf(source).ask(windowOf), copyTime()]);
  const windows = answers.flatMap((one) => ('value' in one ? [{ shard: one.shard, windowSeconds: one.value }] : []));
  const [shortest] = windows.toSorted((a, b) => a.windowSeconds - b.windowSeconds);
  const unseen = describeUnseen(
    answers.map((one) => ({ shard: one.shard, whyUnknown: 'unseen' in one ? one.unseen.why : null })),
  );
  const isShort = shortest !== undefined && shortest.windowSeconds < Math.max(LEAST_SECONDS, seconds);
  return [
    ...(unseen === undefined ? [] : [found('SHARD_OPLOGS_UNSEEN', [unseen])]),
    ...(isShort
      ? [
          found('OPLOG_SHORT', [
            `${duration(shortest.windowSeconds)} on the shard ${shortest.shard}`,
            duration(seconds),
          ]),
        ]
      : []),
  ];
}

/** Whether the user may read the oplog, which alone shows what change streams omit. */
export async function checkUnstreamedWrites({ source, from }: Look): Promise<Found[]> {
  if (from.sharded) return [found('UNSTREAMED_WRITES_UNSEEN', [SHARDS_NOT_SEARCHED])];
  if (!from.replicaSet) return [];
  try {
    await source.db('local').command({ find: 'oplog.rs', limit: 1, projection: { ts: 1 }, singleBatch: true });
    return [];
  } catch (error) {
    if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') throw error;
    return [found('UNSTREAMED_WRITES_UNSEEN', [error.codeName ?? messageOf(error)])];
  }
}

/**
 * Estimates for how long the destination's oplog would hold changes that arrive as they do on the source.
 * @returns seconds; Infinity when the source's oplog shows no rate yet
 */
export async function reverseWindowSeconds({ source, destination }: Look): Promise<number> {
  const [from, to] = await Promise.all([oplogOf(source), oplogOf(destination)]);
  return from.seconds < LEAST_SECONDS ? Number.POSITIVE_INFINITY : (to.maxBytes / from.bytes) * from.seconds;
}

/** Returns the seconds that an oplog spans; an oplog that isn't half full gives no useful value. */
async function windowOf(client: MongoClient): Promise<number> {
  const { seconds, bytes, maxBytes } = await oplogOf(client);
  return bytes < maxBytes / 2 ? Number.POSITIVE_INFINITY : seconds;
}

/** Returns the size of an oplog, and the seconds from its oldest to its newest entry. */
async function oplogOf(client: MongoClient) {
  const local = client.db('local');
  const entryAt = async (order: 1 | -1): Promise<number> => {
    const options = { sort: { $natural: order }, projection: { ts: 1 } } as const;
    const entry = await local.collection<{ ts: Timestamp }>('oplog.rs').findOne({}, options);
    return entry?.ts.getHighBits() ?? 0;
  };
  const [oldest, newest, { size, maxSize }] = await Promise.all([entryAt(1), entryAt(-1), storageOfOplog(client)]);
  return { seconds: newest - oldest, bytes: Number(size), maxBytes: Number(maxSize) };
}

export function duration(seconds: number): string {
  if (seconds < 60) return 'less than a minute';
  if (seconds < 3_600) return counted(Math.round(seconds / 60), 'minute');
  return counted(Number((seconds / 3_600).toFixed(1)), 'hour');
}
