import { MongoServerError } from 'mongodb';
import { classify } from '../mongodb/failure-policy.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { OplogKeys } from './oplog-keys.ts';

/** The writes that a search has found, `lost` when the oplog no longer reaches back, or why it can't be read. */
type Found = OplogKeys | 'lost' | { readonly unreadable: MongoServerError };

/**
 * Searches a part of an oplog, until its server has answered.
 * @param what  the oplog, for the wait
 * @param read  returns undefined when the oplog no longer reaches back
 */
export async function searchOplog(
  retrier: Retrier,
  what: string,
  read: () => Promise<OplogKeys | undefined>,
): Promise<Found> {
  try {
    return (await retrier.run(what, read)) ?? 'lost';
  } catch (error) {
    if (classify(error) === 'history-lost') return 'lost';
    if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') throw error;
    return { unreadable: error };
  }
}
