import type { Binary, Long, MongoClient } from 'mongodb';
import { unlessUnauthorized } from './unauthorized.ts';

/** A server's record of a session in `config.transactions`, which changes together with the session's write. */
interface SessionRecord {
  readonly _id: { readonly id: Binary };
  readonly txnNum: Long;
}

/**
 * Returns the number of the last write that the primary keeps of each session, by the session's id in hexadecimal. Those of
 * sessions that were unused for half an hour are absent, and all of them when the user may not read them.
 */
export async function keptNumbers(client: MongoClient, ids: readonly Binary[]): Promise<ReadonlyMap<string, bigint>> {
  const transactions = client.db('config').collection<SessionRecord>('transactions');
  // A newly elected primary has more than its snapshot of the majority.
  const options = { projection: { txnNum: 1 }, readConcern: 'local', promoteLongs: false } as const;
  const found = await unlessUnauthorized(() => transactions.find({ '_id.id': { $in: [...ids] } }, options).toArray());
  return new Map(found?.map(({ _id, txnNum }) => [_id.id.toString('hex'), txnNum.toBigInt()]));
}
