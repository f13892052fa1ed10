import { MongoClient } from 'mongodb';
import { type ReplicaSet, startPair } from '../test/support/replica-set.ts';
import { database } from './data.ts';

const MIGRATION_USER = { name: 'linkspan', password: 'migrations-only' } as const;
const APPLICATION_USER = { name: 'app', password: 'applications-only' } as const;

export interface Clusters extends AsyncDisposable {
  readonly source: ReplicaSet;
  readonly destination: ReplicaSet;
  /** Connection strings with the migration's users, who have only the privileges that docs/cut-over/failback.md lists. */
  readonly migrationUri: { readonly source: string; readonly destination: string };
  /** Connection strings with an application's user, which a write block binds: source, then destination. */
  readonly applications: readonly [MongoClient, MongoClient];
}

/** Starts a source of three members and a destination, both with authentication. */
export async function startClusters(): Promise<Clusters> {
  await using resources = new AsyncDisposableStack();
  const { source, destination } = resources.use(
    await startPair({
      source: { members: 3, auth: true, name: 'source' },
      destination: { auth: true, name: 'destination' },
    }),
  );
  const { name, password } = MIGRATION_USER;
  // Each side is the destination of one direction.
  const roles = ['backup', 'restore', 'readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'];
  for (const set of [source, destination]) await set.createUser(name, password, roles);
  const connectAsApplication = async (set: ReplicaSet) => {
    const { name, password } = APPLICATION_USER;
    await set.createUser(name, password, [{ role: 'readWrite', db: database }]);
    return resources.use(await MongoClient.connect(set.uriFor(name, password)));
  };
  const applications = [await connectAsApplication(source), await connectAsApplication(destination)] as const;
  const kept = resources.move();
  return {
    source,
    destination,
    migrationUri: { source: source.uriFor(name, password), destination: destination.uriFor(name, password) },
    applications,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
