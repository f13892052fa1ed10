import { messageOf, redact, UserError } from '../platform/index.ts';

/** Long enough for an election, short enough for somebody who waits for the answer. */
const TIMEOUT_MS = 10_000;
/** What servers from 6.0 on speak. */
const OLDEST_WIRE_VERSION = 17;
const UNAUTHORIZED = 13;

/**
 * Connects to a cluster that is to become a destination: it has to be there, be a replica set of a version that can be one, and let its
 * user in. Whether that user has all the privileges is for a validation to find out.
 * @param connectionString  of a form that was checked
 * @param timeoutMs         for each step
 * @throws UserError DESTINATION_UNUSABLE, which repeats nothing of the string but host names
 */
export async function connectToDestination(connectionString: string, timeoutMs = TIMEOUT_MS): Promise<void> {
  // Loaded when it is needed: the control plane starts in half the time without the driver.
  const { MongoClient, MongoServerError, MongoServerSelectionError } = await import('mongodb');
  const unusable = (why: string, cause?: unknown) => new UserError('DESTINATION_UNUSABLE', [why], { cause });
  try {
    await using client = new MongoClient(connectionString, {
      serverSelectionTimeoutMS: timeoutMs,
      connectTimeoutMS: timeoutMs,
      socketTimeoutMS: timeoutMs,
      appName: 'linkspan',
    });
    const hello = await client.db('admin').command({ hello: 1 });
    if (hello.msg === 'isdbgrid') throw unusable('it is a sharded cluster, and Linkspan migrates to replica sets only');
    if (!hello.setName) throw unusable('it is a stand-alone server, and Linkspan migrates to replica sets only');
    if (hello.maxWireVersion < OLDEST_WIRE_VERSION) throw unusable('it is older than MongoDB 6.0');
    // Who is nobody may say hello, but not this; who is somebody may, without any privilege.
    await client.db('admin').command({ listDatabases: 1, nameOnly: true, authorizedDatabases: true });
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof MongoServerError && error.code === UNAUTHORIZED)
      throw unusable('it needs a user and a password');
    const isAnswer = error instanceof MongoServerError || error instanceof MongoServerSelectionError;
    // In other errors the driver quotes what it does not understand.
    throw unusable(isAnswer ? redact(messageOf(error)).replace(/\.$/, '') : 'the driver does not understand it', error);
  }
}
