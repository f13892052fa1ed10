import { BSON, MongoServerError } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { classify } from '../mongodb/failure-policy.ts';
import { isBuckets } from '../mongodb/namespaces.ts';

/** Limits one collection to the documents that match a query. */
export interface DocumentFilter {
  readonly database: string;
  readonly collection: string;
  /** A query for `find`, in canonical or relaxed Extended JSON. */
  readonly filter: Readonly<Record<string, unknown>>;
}

/** Operators whose result for one document depends on the time, the place, or other documents. */
const UNSTEADY = new Set([
  '$where',
  '$function',
  '$accumulator',
  '$text',
  '$meta',
  '$near',
  '$nearSphere',
  '$geoNear',
  '$rand',
  '$sampleRate',
]);
const UNSTEADY_VARIABLE = /^\$\$(NOW|CLUSTER_TIME|USER_ROLES)\b/;

/** Extended JSON's type markers, and the fields allowed beside each: the `bson` package silently drops all others. */
const TYPE_MARKS = new Map<string, readonly string[]>([
  ...['$oid', '$uuid', '$symbol', '$numberInt', '$numberLong', '$numberDouble', '$numberDecimal'].map(alone),
  ...['$date', '$timestamp', '$regularExpression', '$minKey', '$maxKey', '$undefined', '$dbPointer'].map(alone),
  ['$binary', ['$binary', '$type']],
  ['$regex', ['$regex', '$options']],
  ['$code', ['$code', '$scope']],
]);

/** The document filters of a migration. The server decides whether it understands them. */
export class DocumentFilters {
  readonly #queries = new Map<string, { readonly filter: DocumentFilter; readonly query: Buffer }>();

  /** @throws UserError INVALID_DOCUMENT_FILTER naming the collection and the problem */
  constructor(filters: readonly DocumentFilter[] = []) {
    for (const filter of filters) {
      const namespace = `${filter.database}.${filter.collection}`;
      if (this.#queries.has(namespace)) throw invalidFilter(namespace, 'there are two');
      this.#queries.set(namespace, { filter, query: parse(namespace, filter.filter) });
    }
  }

  get isEmpty(): boolean {
    return this.#queries.size === 0;
  }

  get all(): readonly { readonly filter: DocumentFilter; readonly query: Buffer }[] {
    return [...this.#queries.values()];
  }

  /** Returns the query for a collection of the source, as BSON. */
  of(database: string, collection: string): Buffer | undefined {
    return this.#queries.get(`${database}.${collection}`)?.query;
  }
}

/** Returns why this kind of entry can't be filtered; undefined when it can. */
export function whyUnfilterable({ type, name, options }: CatalogEntry): string | undefined {
  if (type === 'view') return 'a view';
  if (isBuckets(name)) return 'a time series';
  return options.has('capped') ? 'a capped collection' : undefined;
}

export function invalidFilter(namespace: string, reason: string, cause?: unknown): UserError {
  return new UserError('INVALID_DOCUMENT_FILTER', [namespace, reason], { cause });
}

/**
 * Returns the error for a failed read of a collection. An expression can fail for one document only, which shows when
 * that document is read.
 */
export function blameFilter(
  collection: { readonly filter: Buffer | null; readonly namespace: string },
  error: unknown,
): unknown {
  const blamed = collection.filter !== null && error instanceof MongoServerError && classify(error) === 'fatal';
  return blamed ? invalidFilter(collection.namespace, messageOf(error), error) : error;
}

function parse(namespace: string, filter: DocumentFilter['filter']): Buffer {
  checkSteady(namespace, filter);
  try {
    return Buffer.from(BSON.serialize(BSON.EJSON.deserialize(filter, { relaxed: false })));
  } catch (error) {
    throw invalidFilter(namespace, messageOf(error), error);
  }
}

function checkSteady(namespace: string, value: unknown): void {
  if (typeof value === 'string' && UNSTEADY_VARIABLE.test(value)) throw invalidFilter(namespace, unsteady(value));
  if (typeof value !== 'object' || value === null) return;
  const names = Object.keys(value);
  for (const [name, inner] of Object.entries(value)) {
    if (UNSTEADY.has(name)) throw invalidFilter(namespace, unsteady(name));
    const company = TYPE_MARKS.get(name);
    const stranger = company && names.find((other) => !company.includes(other));
    if (stranger !== undefined)
      throw invalidFilter(namespace, `${stranger} beside ${name}: give each its part of $and`);
    checkSteady(namespace, inner);
  }
}

function unsteady(what: string): string {
  return `${what} does not give one document the same answer at any time and place`;
}

function alone(mark: string): [string, readonly string[]] {
  return [mark, [mark]];
}
