import { randomBytes } from 'node:crypto';
import { migrationUserName } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import type { MigrationUser } from '../ports/destination-port.ts';
import type { Cluster, DestinationUser, Order } from '../records/records.ts';
import type { Sealed, SealedPlace, Sealer } from '../records/sealer.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { connectionStringPlace, usersOf } from './clusters.ts';

const PASSWORD_BYTES = 32;
/** Options about the login of the registered user. They don't apply to a migration's user. */
const LOGIN_OPTIONS = ['authsource', 'authmechanism', 'authmechanismproperties'];

/**
 * Records the user of a new migration or validation, if the destination uses one. The server creates the user after the commit, and the
 * agent gets its order after that.
 * @returns the user's name; undefined if agents use the registered user
 */
export async function wantUser(
  control: Control,
  transaction: StoreTransaction,
  order: Order & Pick<DestinationUser, 'id' | 'createdAtMs'>,
  purpose: DestinationUser['purpose'],
): Promise<string | undefined> {
  const { id, destinationClusterId: clusterId, createdAtMs } = order;
  const cluster = await transaction.get('clusters', clusterId);
  if (!cluster || usersOf(control, cluster) === 'FIXED') return undefined;
  const password = newPassword(control.sealer, id);
  await transaction.insert('destinationUsers', { id, purpose, clusterId, password, state: 'wanted', createdAtMs });
  return migrationUserName(id);
}

/**
 * Records that the user of a migration is to be dropped, and one with another password created: a standby has taken the migration over. Both have
 * one name, because sessions of another user would not meet the fence (docs/adr/0006-fence.md). Has no effect on a registered user.
 */
export async function renewUser({ sealer }: Control, transaction: StoreTransaction, id: string): Promise<void> {
  const user = await transaction.get('destinationUsers', id);
  // In any other state, no agent has got its password.
  if (user?.state !== 'made') return;
  await transaction.update('destinationUsers', { ...user, password: newPassword(sealer, id), state: 'renewed' });
}

function newPassword(sealer: Sealer, id: string): Sealed {
  // Only letters, digits, - and _, which need no escaping in a connection string.
  return sealer.seal(randomBytes(PASSWORD_BYTES).toString('base64url'), passwordPlace(id));
}

/** The connection string for the agent of an order; undefined before its user is created and after it is dropped. */
export async function destinationUri(control: Control, id: string, cluster: Cluster): Promise<string | undefined> {
  const { store, sealer } = control;
  const registered = sealer.open(cluster.connectionString, connectionStringPlace(cluster.id));
  const user = await store.get('destinationUsers', id);
  if (user === undefined) return registered;
  return user.state === 'made' ? asUser(registered, credentialsOf(control, user)) : undefined;
}

type Credentials = Pick<MigrationUser, 'name' | 'password'>;

export function credentialsOf({ sealer }: Control, { id, password }: DestinationUser): Credentials {
  return { name: migrationUserName(id), password: sealer.open(password, passwordPlace(id)) };
}

/** The place of a user's sealed password. */
export function passwordPlace(id: string): SealedPlace {
  return { kind: 'destinationUsers', id, field: 'password' };
}

/** The connection string with another user, who is defined in the database `admin`. */
function asUser(connectionString: string, { name, password }: Credentials): string {
  const [, scheme = '', hosts = '', query = ''] =
    /^([a-z+]+:\/\/)(?:[^@/?]*@)?([^/?]*)(?:\/[^?]*)?(?:\?(.*))?$/.exec(connectionString) ?? [];
  const options = query.split('&').filter((option) => {
    const [key = ''] = option.split('=', 1);
    return key !== '' && !LOGIN_OPTIONS.includes(key.toLowerCase());
  });
  return `${scheme}${name}:${password}@${hosts}/?${[...options, 'authSource=admin'].join('&')}`;
}
