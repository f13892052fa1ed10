import { eventually } from './eventually.ts';
import type { ReplicaSet, ReplicaSetOptions } from './replica-set.ts';

/** `LINKSPAN_TEST_OPLOG_MEGABYTES=990` is the minimum that a running server accepts. */
export const OPLOG_MEGABYTES = Number(process.env.LINKSPAN_TEST_OPLOG_MEGABYTES ?? 20);

const NOTE = 'x'.repeat(1_000_000);
const NOTES_AT_A_TIME = OPLOG_MEGABYTES / 4;
const DEADLINE_MS = 120_000;

/** Options of a set whose oplog is overwritten within a second or two. A server discards only entries that its last checkpoint on disk does not need. */
export const smallOplog: ReplicaSetOptions = {
  oplogSizeMegabytes: OPLOG_MEGABYTES,
  mongodArgs: ['--syncdelay', '1'],
};

/** Writes notes of 1 MB to the oplog, which change no data. */
export async function writeNotes({ client }: Pick<ReplicaSet, 'client'>, megabytes: number): Promise<void> {
  for (let n = 0; n < megabytes; n += 1) {
    await client.db('admin').command({ appendOplogNote: 1, data: { filler: NOTE } });
  }
}

/**
 * Writes notes until all current entries of the oplog are overwritten.
 * @param follow  waits until a reader has caught up; called several times
 */
export async function rollOplog(
  set: Pick<ReplicaSet, 'client'>,
  follow: () => Promise<void> = async () => undefined,
): Promise<void> {
  const admin = set.client.db('admin');
  const { operationTime } = await admin.command({ ping: 1 });
  const isRound = async () => {
    await writeNotes(set, NOTES_AT_A_TIME);
    await follow();
    const { oplog } = await admin.command({ serverStatus: 1, oplog: 1 });
    return oplog.earliestOptime.greaterThan(operationTime);
  };
  await eventually(isRound, { what: 'the oplog to be overwritten', deadlineMs: DEADLINE_MS });
}
