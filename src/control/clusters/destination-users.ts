import { randomBytes } from 'node:crypto';
import type { Control } from '../ports/control.ts';
import type { UserCredentials } from '../ports/destination-port.ts';
import type { Cluster, DestinationUser, Order } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { connectionStringPlace, usersOf } from './clusters.ts';

const PASSWORD_BYTES = 32;
/** They say how the registered user logs in, not how this one does. */
const LOGIN_OPTIONS = ['authsource', 'authmechanism', 'authmechanismproperties'];

/** The name of a migration's or validation's user, by which it is recognized on the destination. */
export function userNameOf(id: string): string {
  return `linkspan-${id}`;
}

/**
 * Puts the user of a new migration or validation on record, where there is to be one. It is made when that is committed, and the agent
 * hears of its order when it is made.
 * @returns the user's name; undefined where the registered one is handed over
 */
export async function wantUser(
  control: Control,
  transaction: StoreTransaction,
  order: Order & Pick<DestinationUser, 'id' | 'createdAtMs'>,
  purpose: DestinationUser['purpose'],
): Promise<string | undefined> {
  const { id, destinationClusterId: clusterId, createdAtMs } = order;
  const cluster = await transaction.cluster(clusterId);
  if (!cluster || usersOf(control, cluster) === 'fixed') return undefined;
  // Letters, digits, - and _: nothing to be escaped in a connection string.
  const password = control.sealer.seal(randomBytes(PASSWORD_BYTES).toString('base64url'), passwordPlace(id));
  await transaction.insertDestinationUser({ id, purpose, clusterId, password, state: 'wanted', createdAtMs });
  return userNameOf(id);
}

/** How the agent of an order reaches its destination; undefined as long as the user for that is not made, and when it is dropped. */
export async function destinationUri(control: Control, id: string, cluster: Cluster): Promise<string | undefined> {
  const { store, sealer } = control;
  const registered = sealer.open(cluster.connectionString, connectionStringPlace(cluster.id));
  const user = await store.destinationUser(id);
  if (user === undefined) return registered;
  return user.state === 'made' ? asUser(registered, credentialsOf(control, user)) : undefined;
}

export function credentialsOf({ sealer }: Control, { id, password }: DestinationUser): UserCredentials {
  return { name: userNameOf(id), password: sealer.open(password, passwordPlace(id)) };
}

/** Where a user's password is sealed. */
export function passwordPlace(id: string): { table: string; id: string; field: string } {
  return { table: 'destination_users', id, field: 'password' };
}

/** The same connection string for another user, who is one of the database `admin`. */
function asUser(connectionString: string, { name, password }: UserCredentials): string {
  const [, scheme = '', hosts = '', query = ''] =
    /^([a-z+]+:\/\/)(?:[^@/?]*@)?([^/?]*)(?:\/[^?]*)?(?:\?(.*))?$/.exec(connectionString) ?? [];
  const options = query.split('&').filter((option) => {
    const [key = ''] = option.split('=', 1);
    return key !== '' && !LOGIN_OPTIONS.includes(key.toLowerCase());
  });
  return `${scheme}${name}:${password}@${hosts}/?${[...options, 'authSource=admin'].join('&')}`;
}
