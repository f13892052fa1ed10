import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import type { Side } from './side.ts';
import { isUnauthorized } from './unauthorized.ts';

/**
 * Refuses a connection without a user to a server that requires one. Such a connection may send ping and hello.
 * A read is refused to it. This one needs no shard, so that shards that stand still don't delay it.
 * @throws UserError AUTHENTICATION_REQUIRED
 */
export async function refuseNobody(client: MongoClient, side: Side): Promise<void> {
  if (client.options.credentials !== undefined) return;
  try {
    await client.db('config').command({ find: 'version', limit: 1 });
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    throw new UserError('AUTHENTICATION_REQUIRED', [side], { cause: error });
  }
}

/**
 * Refuses a direct connection to one of several members. It would stay there when another member becomes primary, and
 * then read from a secondary.
 * @throws UserError WEAK_CONNECTION_OPTION
 */
export async function refuseOneOfMany(client: MongoClient, side: Side): Promise<void> {
  if (!client.options.directConnection) return;
  const { hosts = [], passives = [], hidden, primary, me } = await client.db('admin').command({ hello: 1 });
  const isOneOfMany = hosts.length + passives.length > 1 || hidden || (primary !== undefined && primary !== me);
  if (isOneOfMany) throw new UserError('WEAK_CONNECTION_OPTION', [side, 'directConnection']);
}
