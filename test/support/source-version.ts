import { type MongoClient, MongoServerError } from 'mongodb';
import { eventually } from './eventually.ts';
import { type PairOptions, type ReplicaSet, type ReplicaSetPair, startPair } from './replica-set.ts';

/** Errors of a server without write blocks: CommandNotFound before 6.0, IllegalOperation with feature compatibility version 5.0. */
const NO_WRITE_BLOCK: readonly unknown[] = [59, 20];

/** The source's version when the version matrix chose it. The default servers of tests are 6.0 or newer. */
const chosen = process.env.LINKSPAN_SOURCE_VERSION;
const isOld = chosen !== undefined && Number.parseFloat(chosen) < 6;

/**
 * Returns the value for the `skip` option of a test, or for an `if`, when the test needs a feature of a newer source.
 * @returns the reason, with the version that is too old; false when the test can run
 */
export function needsSource(version: '6.0', why: string): string | false {
  return isOld ? `the source is ${chosen}, older than ${version}: ${why}` : false;
}

/**
 * Returns the value for the `skip` option of a test that connects past the proxies of a dialect, or has one of its own.
 * @returns the reason; false when the servers pretend nothing
 */
export function needsNoDialect(why: string): string | false {
  const { LINKSPAN_SOURCE_DIALECT: source, LINKSPAN_DESTINATION_DIALECT: destination } = process.env;
  return (source ?? destination) === undefined ? false : `the servers pretend to be newer: ${why}`;
}

/** Starts a pair whose source has feature compatibility version 5.0, which turns off the features of 6.0 on every server. */
export async function startPairWithOldSource(options: PairOptions = {}): Promise<ReplicaSetPair> {
  // Servers of 7.0 and newer have none below 6.0.
  const pair = await startPair({ ...options, realSource: true });
  await pretendOld(pair.source);
  return pair;
}

/** Turns off the features of 6.0 on a set. */
export async function pretendOld({ client }: ReplicaSet): Promise<void> {
  if (!isOld) await client.db('admin').command({ setFeatureCompatibilityVersion: '5.0' });
}

/** Lifts the write block of an earlier migration, and retries during elections. Servers before 6.0 have no block. */
export async function allowWrites(client: MongoClient): Promise<void> {
  await eventually(() => mayWrite(client), { what: 'the write block to be lifted' });
}

/**
 * Lifts the block after writing a note. Setting a mode that is already set waits for the connection's last write. Once that write's term
 * is over, it fails on this connection every time (6.0.5). The note is a write of the current term.
 */
async function mayWrite(client: MongoClient): Promise<true> {
  const admin = client.db('admin');
  try {
    await admin.command({ appendOplogNote: 1, data: { linkspan: 'lift' } });
    await admin.command({ setUserWriteBlockMode: 1, global: false });
  } catch (error) {
    if (!(error instanceof MongoServerError) || !NO_WRITE_BLOCK.includes(error.code)) throw error;
  }
  return true;
}
