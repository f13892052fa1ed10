import { type MongoClient, MongoServerError } from 'mongodb';
import { eventually } from './eventually.ts';
import { type ReplicaSetOptions, type ReplicaSetPair, startPair } from './replica-set.ts';

/** The answers of a server without write blocks: CommandNotFound before 6.0, IllegalOperation while its feature compatibility version is 5.0. */
const NO_WRITE_BLOCK: readonly unknown[] = [59, 20];

/** The source's version where the version matrix chose it; the servers that tests use by default are 6.0 or newer. */
const chosen = process.env.LINKSPAN_SOURCE_VERSION;
const isOld = chosen !== undefined && Number.parseFloat(chosen) < 6;

/**
 * The value for a test's `skip` option, or for an `if`, when a test needs a feature of the source that came with 6.0.
 * @returns the reason, with the version that is too old; false when the test can run
 */
export function needsSource(version: '6.0', why: string): string | false {
  return isOld ? `the source is ${chosen}, older than ${version}: ${why}` : false;
}

/** A pair whose source's feature compatibility version is 5.0, on whatever server: what 6.0 brought is off there. */
export async function startPairWithOldSource(
  options: { readonly source?: ReplicaSetOptions; readonly destination?: ReplicaSetOptions } = {},
): Promise<ReplicaSetPair> {
  const pair = await startPair(options);
  if (!isOld) await pair.source.client.db('admin').command({ setFeatureCompatibilityVersion: '5.0' });
  return pair;
}

/** Lifts the write block of an earlier migration, whatever elections come meanwhile; servers before 6.0 have none. */
export async function allowWrites(client: MongoClient): Promise<void> {
  await eventually(() => mayWrite(client), { what: 'the write block to be lifted', deadlineMs: 30_000 });
}

/**
 * Setting the mode that is set already waits for the last write of the connection, and fails on that connection for good once the write's
 * term is over (6.0.5). A note is a write of the present term.
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
