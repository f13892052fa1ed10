import { MongoServerError, type Timestamp } from 'mongodb';
import { counted, messageOf } from '../../../platform/index.ts';
import { classify } from '../../mongodb/failure-policy.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

/**
 * Time to repair an agent's host. After a stop that outlasts the oplog, everything has to be compared
 * (docs/reference/pitfalls.md#pitfall-2).
 */
const LEAST_SECONDS = 3_600;

/** Compares how far the source's oplog reaches back with how long the copy may take. */
export async function checkOplog(look: Look): Promise<Found[]> {
  // A stand-alone server has no oplog, and another finding reports that.
  if (!look.from.replicaSet) return [];
  const windowSeconds = await oplogSeconds(look);
  const { seconds } = await look.copyTime();
  if (windowSeconds >= Math.max(LEAST_SECONDS, seconds)) return [];
  return [found('OPLOG_SHORT', [duration(windowSeconds), duration(seconds)])];
}

/** Whether the user may read the oplog, which alone shows what change streams omit. */
export async function checkHiddenWrites({ source, from }: Look): Promise<Found[]> {
  if (!from.replicaSet) return [];
  try {
    await source.db('local').command({ find: 'oplog.rs', limit: 1, projection: { ts: 1 }, singleBatch: true });
    return [];
  } catch (error) {
    if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') throw error;
    return [found('HIDDEN_WRITES_UNSEEN', [error.codeName ?? messageOf(error)])];
  }
}

/** Returns the seconds from its oldest to its newest entry; an oplog that isn't half full gives no useful value. */
async function oplogSeconds({ source }: Look): Promise<number> {
  const local = source.db('local');
  const entryAt = async (order: 1 | -1): Promise<number> => {
    const options = { sort: { $natural: order }, projection: { ts: 1 } } as const;
    const entry = await local.collection<{ ts: Timestamp }>('oplog.rs').findOne({}, options);
    return entry?.ts.getHighBits() ?? 0;
  };
  const [oldest, newest, { size, maxSize }] = await Promise.all([
    entryAt(1),
    entryAt(-1),
    local.command({ collStats: 'oplog.rs' }),
  ]);
  return Number(size) < Number(maxSize) / 2 ? Number.POSITIVE_INFINITY : newest - oldest;
}

function duration(seconds: number): string {
  if (seconds < 60) return 'less than a minute';
  if (seconds < 3_600) return counted(Math.round(seconds / 60), 'minute');
  return counted(Number((seconds / 3_600).toFixed(1)), 'hour');
}
