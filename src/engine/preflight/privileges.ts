import type { Document, MongoClient } from 'mongodb';
import type { Side } from '../cluster/connect.ts';

interface Privilege {
  readonly resource: Document;
  readonly actions: readonly string[];
}

/** What the user of a connection may do. */
export class Privileges {
  readonly #privileges: readonly Privilege[];

  constructor(privileges: readonly Privilege[]) {
    this.#privileges = privileges;
  }

  hasOnCluster(action: string): boolean {
    return this.#has(action, ({ resource }) => resource.cluster === true);
  }

  /** Whether it may do so on every database with users' data. */
  hasOnAllDatabases(action: string): boolean {
    return this.#has(action, ({ resource }) => resource.db === '' && resource.collection === '');
  }

  /** A server's own collection, which "all databases" does not include. */
  hasOnServerCollection(action: string, database: string, collection: string): boolean {
    return this.#has(
      action,
      ({ resource }) => resource.collection === collection && (resource.db === '' || resource.db === database),
    );
  }

  #has(action: string, covers: (privilege: Privilege) => boolean): boolean {
    return this.#privileges.some(
      (privilege) =>
        privilege.actions.includes(action) && (privilege.resource.anyResource === true || covers(privilege)),
    );
  }
}

/** The connected user's privileges; undefined when the connection has no user, as on a cluster without authentication. */
export async function privilegesOf(client: MongoClient): Promise<Privileges | undefined> {
  const { authInfo } = await client.db('admin').command({ connectionStatus: 1, showPrivileges: true });
  if (authInfo.authenticatedUsers.length === 0) return undefined;
  return new Privileges(authInfo.authenticatedUserPrivileges);
}

/** Actions that the engine takes. */
interface Needs {
  readonly cluster: readonly string[];
  readonly databases: readonly string[];
}

/** What the engine does on the source, and needs its user to be allowed. */
function sourceNeeds(blocks: boolean): Needs {
  const block = blocks ? ['inprog', 'setUserWriteBlockMode'] : [];
  return {
    cluster: ['appendOplogNote', 'replSetGetConfig', 'getParameter', 'listDatabases', ...block],
    databases: ['find', 'changeStream', 'listCollections', 'listIndexes', 'collStats'],
  };
}

/** What the engine does on the destination (§8.10). */
const DESTINATION_NEEDS: Needs = {
  cluster: ['replSetGetConfig', 'getParameter', 'listDatabases'],
  databases: [
    'find',
    'insert',
    'update',
    'remove',
    'bypassDocumentValidation',
    'createCollection',
    'dropCollection',
    'dropDatabase',
    'renameCollectionSameDB',
    'collMod',
    'createIndex',
    'dropIndex',
    'listCollections',
    'listIndexes',
  ],
};

/** What moving users and roles needs in addition. */
const SOURCE_ACCOUNT_COLLECTIONS = ['system.users', 'system.roles'];
const DESTINATION_ACCOUNT_COLLECTIONS = ['system.users'];
const DESTINATION_ACCOUNT_ACTIONS = [
  'createUser',
  'dropUser',
  'createRole',
  'dropRole',
  'grantRole',
  'revokeRole',
  'viewRole',
  'setAuthenticationRestriction',
];

/** Actions that a side's user lacks, by name, for example `changeStream on all databases`; none where there are no users. */
export function missingPrivileges(
  privileges: Privileges | undefined,
  side: Side,
  { blocks, usersAndRoles }: { readonly blocks: boolean; readonly usersAndRoles: boolean },
): string[] {
  if (privileges === undefined) return [];
  const needs = side === 'source' ? sourceNeeds(blocks) : DESTINATION_NEEDS;
  return [
    ...needs.cluster.filter((action) => !privileges.hasOnCluster(action)).map((action) => `${action} on the cluster`),
    ...needs.databases.filter((action) => !privileges.hasOnAllDatabases(action)).map(onAllDatabases),
    ...(usersAndRoles ? missingAccountPrivileges(privileges, side) : []),
  ];
}

function missingAccountPrivileges(privileges: Privileges, side: Side): string[] {
  const collections = side === 'source' ? SOURCE_ACCOUNT_COLLECTIONS : DESTINATION_ACCOUNT_COLLECTIONS;
  const actions = side === 'source' ? [] : DESTINATION_ACCOUNT_ACTIONS;
  return [
    ...collections
      .filter((collection) => !privileges.hasOnServerCollection('find', 'admin', collection))
      .map((collection) => `find on admin.${collection}`),
    ...actions.filter((action) => !privileges.hasOnAllDatabases(action)).map(onAllDatabases),
  ];
}

function onAllDatabases(action: string): string {
  return `${action} on all databases`;
}
