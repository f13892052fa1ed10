import { UserError } from '../../platform/index.ts';
import { catalogName } from '../mongodb/namespaces.ts';

/** A regular expression with the server's `$regex` syntax. */
export interface NamePattern {
  readonly pattern: string;
  /** Any of i, m, s. */
  readonly options?: string;
}

/**
 * Namespaces in mongosync's syntax: a database by name or pattern, and all of its collections or those given by name or
 * pattern.
 */
export interface NamespaceFilter {
  readonly database?: string;
  readonly databaseRegex?: NamePattern;
  readonly collections?: readonly string[];
  readonly collectionsRegex?: NamePattern;
}

/**
 * The selected namespaces of the source: first `include`, then `exclude`; without filters everything. Fixed once a
 * migration has begun.
 */
export interface NamespaceFilters {
  readonly include?: readonly NamespaceFilter[];
  readonly exclude?: readonly NamespaceFilter[];
}

type Matcher = (database: string, collection: string) => boolean;

export class Selection {
  readonly #included: readonly Matcher[];
  readonly #excluded: readonly Matcher[];

  /** @throws UserError INVALID_FILTER naming the problem */
  constructor(filters: NamespaceFilters = {}) {
    this.#included = (filters.include ?? []).map(matcherOf);
    this.#excluded = (filters.exclude ?? []).map(matcherOf);
  }

  /** Whether everything is selected. */
  get isWhole(): boolean {
    return this.#included.length + this.#excluded.length === 0;
  }

  /** @param name  the user-visible name for a time series */
  has(database: string, name: string): boolean {
    const matches = (matcher: Matcher) => matcher(database, catalogName(name));
    return (this.#included.length === 0 || this.#included.some(matches)) && !this.#excluded.some(matches);
  }
}

function matcherOf(filter: NamespaceFilter): Matcher {
  const { database, databaseRegex, collections, collectionsRegex } = filter;
  if ((database === undefined) === (databaseRegex === undefined)) {
    throw new UserError('INVALID_FILTER', ['each item has either database or databaseRegex']);
  }
  if (collections !== undefined && collectionsRegex !== undefined) {
    throw new UserError('INVALID_FILTER', ['an item has collections or collectionsRegex, not both']);
  }
  const inDatabase = database === undefined ? patternOf(databaseRegex) : (name: string) => name === database;
  const names = collections === undefined ? undefined : new Set(collections);
  const inCollection = names === undefined ? patternOf(collectionsRegex) : (name: string) => names.has(name);
  return (of, name) => inDatabase(of) && inCollection(name);
}

function patternOf(regex: NamePattern | undefined): (name: string) => boolean {
  if (regex === undefined) return () => true;
  if (!/^[ims]*$/.test(regex.options ?? '')) {
    throw new UserError('INVALID_FILTER', [`of the options ${regex.options}, only i, m and s exist`]);
  }
  try {
    const expression = new RegExp(regex.pattern, `${regex.options ?? ''}u`);
    return (name) => expression.test(name);
  } catch (error) {
    throw new UserError('INVALID_FILTER', [`${regex.pattern} is not a regular expression`], { cause: error });
  }
}
