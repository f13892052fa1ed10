import { join } from 'node:path';
import { MongoClient, MongoServerError } from 'mongodb';
import { LEAST_ROLES } from '../../test/support/least-privilege.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../test/support/replica-set.ts';

/** The source's is small, so that it goes round in seconds. The failback needs changes of a while in the destination's. */
export const OPLOG_MEGABYTES = { source: 256, destination: 1_024 } as const;
const CACHE_GIGABYTES = 1;
/** The server's code for `createUser` with a name that exists. */
const USER_EXISTS = 51_003;
const USERS = {
  mover: [...new Set([...LEAST_ROLES.source, ...LEAST_ROLES.destination])],
  // Without the role `restore`, so that a write block binds it.
  app: ['readWriteAnyDatabase'],
} as const;

/** Both sets, and the connections that a soak needs. */
export interface Servers extends AsyncDisposable {
  readonly pair: ReplicaSetPair;
  /** Connection strings for Linkspan. */
  readonly uris: { readonly source: string; readonly destination: string };
  /** Connections of applications. */
  readonly applications: { readonly source: MongoClient; readonly destination: MongoClient };
}

/** Starts both sets with the data that an earlier command left in the folder. */
export async function openServers(folder: string): Promise<Servers> {
  await using resources = new AsyncDisposableStack();
  const options = (side: keyof typeof OPLOG_MEGABYTES) => ({
    name: `soak-${side}`,
    folder: join(folder, side),
    auth: true,
    key: `soak${side}`,
    cacheGigabytes: CACHE_GIGABYTES,
    oplogSizeMegabytes: OPLOG_MEGABYTES[side],
  });
  const pair = resources.use(await startPair({ source: options('source'), destination: options('destination') }));
  const connect = async (set: ReplicaSet) => {
    for (const [user, roles] of Object.entries(USERS))
      await set.createUser(user, 'secret', roles).catch(ignoreExisting);
    return resources.use(await MongoClient.connect(set.uriFor('app', 'secret')));
  };
  const applications = { source: await connect(pair.source), destination: await connect(pair.destination) };
  const uris = {
    source: pair.source.uriFor('mover', 'secret'),
    destination: pair.destination.uriFor('mover', 'secret'),
  };
  const kept = resources.move();
  return { pair, uris, applications, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof MongoServerError) || error.code !== USER_EXISTS) throw error;
}
