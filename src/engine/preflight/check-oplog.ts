import type { Document, Timestamp } from 'mongodb';
import { type Found, found } from './finding.ts';
import type { Look } from './look.ts';

/** Time for an agent's host to be mended: a stop that is longer than the oplog reaches back cannot be made up for [2]. */
const LEAST_SECONDS = 3_600;

/** How far the source's oplog reaches back, beside how long the copy may take. */
export async function checkOplog(look: Look): Promise<Found[]> {
  const windowSeconds = await oplogSeconds(look);
  const { seconds } = await look.copyTime();
  if (windowSeconds >= Math.max(LEAST_SECONDS, seconds)) return [];
  return [found('OPLOG_SHORT', [hours(windowSeconds), hours(seconds)])];
}

/** From its oldest to its newest entry; of one that is not full yet, as long as it will take to fill at that rate. */
async function oplogSeconds({ source }: Look): Promise<number> {
  const local = source.db('local');
  const entryAt = async (order: 1 | -1): Promise<number> => {
    const options = { sort: { $natural: order }, projection: { ts: 1 }, maxTimeMS: 5_000 } as const;
    const entry = await local.collection<{ ts: Timestamp }>('oplog.rs').findOne({}, options);
    return entry?.ts.getHighBits() ?? 0;
  };
  const [oldest, newest, statistics] = await Promise.all([
    entryAt(1),
    entryAt(-1),
    local.command({ collStats: 'oplog.rs' }) as Promise<Document>,
  ]);
  // A set that was started a moment ago has written for a second at least.
  const seconds = Math.max(1, newest - oldest);
  return seconds * Math.max(1, Number(statistics.maxSize) / Math.max(1, Number(statistics.size)));
}

function hours(seconds: number): string {
  return (seconds / 3_600).toFixed(1);
}
