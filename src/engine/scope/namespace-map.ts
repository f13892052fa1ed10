import { UserError } from '../../platform/index.ts';
import { catalogName, isBuckets, isUserDatabase } from '../mongodb/namespaces.ts';

/** A database, or one of its collections. */
export interface RemappedName {
  readonly database: string;
  readonly collection?: string;
}

/**
 * Another name on the destination, for a database (as in mongosync's `namespaceRemap`) or for one of its collections.
 */
export interface NamespaceRemap {
  readonly from: RemappedName;
  readonly to: RemappedName;
}

/**
 * Characters that no server accepts in a database's name, and the longest name in bytes (server manual, Naming
 * Restrictions).
 */
const FORBIDDEN_IN_DATABASE = /[/\\. "$\0]/;
const LONGEST_DATABASE_BYTES = 63;

/**
 * Maps the source's namespaces to names on the destination. A database moves as a whole, and no two move to the same
 * one, so the databases of both sides form pairs. Inside a database, collections can get other names.
 */
export class NamespaceMap {
  readonly remaps: readonly NamespaceRemap[];
  readonly #databases = new Map<string, string>();
  readonly #collections = new Map<string, Map<string, string>>();

  /** @throws UserError INVALID_REMAP naming the problem */
  constructor(remaps: readonly NamespaceRemap[] = []) {
    this.remaps = remaps;
    for (const { from, to } of remaps) {
      checkDatabase(from.database);
      checkDatabase(to.database);
      if ((from.collection === undefined) !== (to.collection === undefined)) {
        throw invalid(`${shown(from)} and ${shown(to)} have to be two databases or two collections`);
      }
      if (from.collection === undefined) this.#addDatabase(from.database, to.database);
    }
    for (const remap of remaps) if (remap.from.collection !== undefined) this.#addCollection(remap);
  }

  /** Returns the destination's name for a database of the source. */
  database(name: string): string {
    return this.#databases.get(name) ?? name;
  }

  /** Returns the source's name for a database of the destination. */
  sourceOf(name: string): string {
    return [...this.#databases].find(([, to]) => to === name)?.[0] ?? name;
  }

  /** Returns the destination's name for a collection of the source. */
  collection(database: string, name: string): string {
    const renamed = this.#collections.get(database)?.get(catalogName(name));
    if (renamed === undefined) return name;
    return isBuckets(name) ? name.slice(0, -catalogName(name).length) + renamed : renamed;
  }

  /**
   * Returns the source's name for a collection or view of the destination.
   * @param database  of the source
   */
  sourceOfCollection(database: string, name: string): string {
    return [...(this.#collections.get(database) ?? [])].find(([, to]) => to === name)?.[0] ?? name;
  }

  /** Returns the names in a database that mean another collection on the destination than on the source, or none. */
  ambiguousNames(database: string): ReadonlySet<string> {
    const renamed = this.#collections.get(database) ?? new Map();
    return new Set([...renamed.keys(), ...renamed.values()]);
  }

  /**
   * Returns the database that is mapped to the name that this one keeps; undefined when there is none. Servers treat
   * names that differ only by case as equal.
   */
  rivalOf(database: string): string | undefined {
    if (this.#databases.has(database)) return undefined;
    const rival = [...this.#databases].find(([from, to]) => from !== database && sameButForCase(to, database));
    return rival?.[0];
  }

  #addDatabase(from: string, to: string): void {
    if (this.#databases.has(from)) throw invalid(`${from} is remapped twice`);
    const other = [...this.#databases].find(([, taken]) => sameButForCase(taken, to));
    if (other !== undefined) throw invalid(`${other[0]} and ${from} both become ${to}, or differ only by case there`);
    this.#databases.set(from, to);
  }

  #addCollection({ from, to }: NamespaceRemap): void {
    const expected = this.database(from.database);
    if (to.database !== expected) {
      throw invalid(`${shown(from)} goes to the database ${expected} as all of its database, not to ${to.database}`);
    }
    const names = this.#collections.get(from.database) ?? new Map<string, string>();
    for (const { collection = '' } of [from, to]) {
      const impossible = collection === '' || collection.startsWith('system.') || /[$\0]/.test(collection);
      if (impossible) throw invalid(`${JSON.stringify(collection)} is no name for a collection`);
    }
    const [name = '', target = ''] = [from.collection, to.collection];
    if (names.has(name)) throw invalid(`${shown(from)} is remapped twice`);
    if ([...names.values()].includes(target)) throw invalid(`two collections become ${shown(to)}`);
    this.#collections.set(from.database, names.set(name, target));
  }
}

function checkDatabase(name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > LONGEST_DATABASE_BYTES || FORBIDDEN_IN_DATABASE.test(name)) {
    throw invalid(`${JSON.stringify(name)} is no name for a database`);
  }
  if (!isUserDatabase(name.toLowerCase())) throw invalid(`${name} is not a database for users' data`);
}

function sameButForCase(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function shown({ database, collection }: RemappedName): string {
  return collection === undefined ? database : `${database}.${collection}`;
}

function invalid(reason: string): UserError {
  return new UserError('INVALID_REMAP', [reason]);
}
