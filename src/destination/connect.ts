import type { MongoClient } from 'mongodb';
import { messageOf, redact, UserError, whyRefused } from '../platform/index.ts';
import { TIMEOUT_MS, withDestination } from './client.ts';
import { mayMakeUsers } from './migration-user.ts';

/** Maximum wire version of MongoDB 6.0. */
const OLDEST_WIRE_VERSION = 17;
const UNAUTHORIZED = 13;
/** One message for every failure before a MongoDB server answered, because it must not reveal open ports or resolved names. */
export const NO_ANSWER =
  'no primary of a MongoDB replica set answered in time; check host, port, replicaSet and tls in the connection string, and that the network lets the control plane through';

/**
 * Connects to a cluster before its registration as a destination. It must answer, be a replica set of a supported version, and accept its
 * user. A validation checks later whether that user has all privileges.
 * @param connectionString  its form must be checked before
 * @param timeoutMs         limit for each step
 * @returns whether its user may create users for migrations
 * @throws UserError DESTINATION_UNUSABLE, which repeats only host names of the string
 */
export async function connectToDestination(
  connectionString: string,
  timeoutMs = TIMEOUT_MS,
): Promise<{ readonly makesUsers: boolean }> {
  const { MongoServerError, MongoServerSelectionError } = await import('mongodb');
  try {
    return await withDestination(connectionString, look, timeoutMs);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof MongoServerError && error.code === UNAUTHORIZED)
      throw unusable('it needs a user and a password');
    const servers = error instanceof MongoServerSelectionError ? error.reason?.servers.keys() : undefined;
    const refusal = whyRefused(servers ?? []);
    if (refusal !== undefined) throw unusable(refusal, error);
    if (error instanceof MongoServerError) throw unusable(redact(messageOf(error)).replace(/\.$/, ''), error);
    // The same message for all failures before a MongoDB server answered. A user who registers addresses must not learn which ports are
    // open, or how names resolve.
    throw unusable(NO_ANSWER, error);
  }
}

async function look(client: MongoClient): Promise<{ readonly makesUsers: boolean }> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 });
  if (hello.msg === 'isdbgrid') throw unusable('it is a sharded cluster, and Linkspan migrates to replica sets only');
  if (!hello.setName) throw unusable('it is a standalone server, and Linkspan migrates to replica sets only');
  if (hello.maxWireVersion < OLDEST_WIRE_VERSION) throw unusable('it is older than MongoDB 6.0');
  // An unauthenticated client may run hello but not this command. An authenticated user may run it without any privilege.
  await admin.command({ listDatabases: 1, nameOnly: true, authorizedDatabases: true });
  return { makesUsers: await mayMakeUsers(admin) };
}

function unusable(why: string, cause?: unknown): UserError {
  return new UserError('DESTINATION_UNUSABLE', [why], { cause });
}
