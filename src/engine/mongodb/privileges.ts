import type { Document, MongoClient } from 'mongodb';

interface Privilege {
  readonly resource: Document;
  readonly actions: readonly string[];
}

/** The user of a connection. */
export interface Login {
  readonly user: string;
  readonly db: string;
  /** The server's roles that were granted to the user directly. */
  readonly roles: readonly string[];
}

/** The privileges of a connection's user. */
export class Privileges {
  readonly login: Login;
  readonly #privileges: readonly Privilege[];

  constructor(login: Login, privileges: readonly Privilege[]) {
    this.login = login;
    this.#privileges = privileges;
  }

  hasOnCluster(action: string): boolean {
    return this.#has(action, ({ resource }) => resource.cluster === true);
  }

  /** Whether the user may do this on every database with users' data. */
  hasOnAllDatabases(action: string): boolean {
    return this.#has(action, ({ resource }) => resource.db === '' && resource.collection === '');
  }

  /** The same for a whole database of the servers, which "all databases" doesn't include. */
  hasOnServerDatabase(action: string, database: string): boolean {
    return this.#has(action, ({ resource }) => resource.db === database && resource.collection === '');
  }

  /** The same for a server's own collection, which "all databases" doesn't include. */
  hasOnServerCollection(action: string, database: string, collection: string): boolean {
    return this.#has(
      action,
      ({ resource }) => resource.collection === collection && (resource.db === '' || resource.db === database),
    );
  }

  /** The same for an ordinary collection of any database but `config` and `local`. */
  hasOnCollection(action: string, { database, name }: { readonly database: string; readonly name: string }): boolean {
    const isIn = (wanted: string, given: unknown) => given === '' || given === wanted;
    return this.#has(action, ({ resource }) => isIn(database, resource.db) && isIn(name, resource.collection));
  }

  #has(action: string, covers: (privilege: Privilege) => boolean): boolean {
    return this.#privileges.some(
      (privilege) =>
        privilege.actions.includes(action) && (privilege.resource.anyResource === true || covers(privilege)),
    );
  }
}

/** Returns the connected user's privileges; undefined without a user, as on a cluster without authentication. */
export async function privilegesOf(client: MongoClient): Promise<Privileges | undefined> {
  const { authInfo } = await client.db('admin').command({ connectionStatus: 1, showPrivileges: true });
  const [account] = authInfo.authenticatedUsers;
  if (account === undefined) return undefined;
  const roles = (authInfo.authenticatedUserRoles as Document[]).filter(({ db }) => db === 'admin');
  const login = { user: account.user, db: account.db, roles: roles.map(({ role }) => role) };
  return new Privileges(login, authInfo.authenticatedUserPrivileges);
}
