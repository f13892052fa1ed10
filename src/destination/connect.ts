import type { MongoClient } from 'mongodb';
import { messageOf, redact, UserError, whyRefused } from '../platform/index.ts';
import { TIMEOUT_MS, withDestination } from './client.ts';
import { mayMakeUsers } from './migration-user.ts';

/** What servers from 6.0 on speak. */
const OLDEST_WIRE_VERSION = 17;
const UNAUTHORIZED = 13;
/** Says nothing of what happened before a MongoDB answered. */
export const NO_ANSWER =
  'no primary of a replica set of MongoDB answered in time as the connection string says; see whether host, port, replicaSet and tls are right, and the network lets the control plane through';

/**
 * Connects to a cluster that is to become a destination: it has to be there, be a replica set of a version that can be one, and let its
 * user in. Whether that user has all the privileges is for a validation to find out.
 * @param connectionString  of a form that was checked
 * @param timeoutMs         for each step
 * @returns whether its user may make users for migrations
 * @throws UserError DESTINATION_UNUSABLE, which repeats nothing of the string but host names
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
    // The same whatever happened before a MongoDB has answered: whoever registers addresses must not learn which ports are open, or what
    // names resolve to.
    throw unusable(NO_ANSWER, error);
  }
}

async function look(client: MongoClient): Promise<{ readonly makesUsers: boolean }> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 });
  if (hello.msg === 'isdbgrid') throw unusable('it is a sharded cluster, and Linkspan migrates to replica sets only');
  if (!hello.setName) throw unusable('it is a stand-alone server, and Linkspan migrates to replica sets only');
  if (hello.maxWireVersion < OLDEST_WIRE_VERSION) throw unusable('it is older than MongoDB 6.0');
  // Who is nobody may say hello, but not this; who is somebody may, without any privilege.
  await admin.command({ listDatabases: 1, nameOnly: true, authorizedDatabases: true });
  return { makesUsers: await mayMakeUsers(admin) };
}

function unusable(why: string, cause?: unknown): UserError {
  return new UserError('DESTINATION_UNUSABLE', [why], { cause });
}
