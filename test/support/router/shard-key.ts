import { BSONRegExp, type Document } from 'mongodb';

/**
 * Returns the shard key's values in a document. A missing field counts as null, as for the server.
 * @param pattern the shard key, such as `{ 'a.b': 1 }`
 */
export function keyOfDocument(document: Document, pattern: Document): Document {
  return Object.fromEntries(Object.keys(pattern).map((path) => [path, valueAt(document, path) ?? null]));
}

/** Returns the shard key's values that a query demands; undefined unless it demands an exact value for each field. */
export function keyOfQuery(query: Document, pattern: Document): Document | undefined {
  const key: Document = {};
  for (const path of Object.keys(pattern)) {
    const value = valueAt(query, path);
    if (!isExact(value)) return undefined;
    key[path] = isObject(value) && '$eq' in value ? value.$eq : value;
  }
  return key;
}

/** Whether a query's value stands for itself. */
export function isExact(value: unknown): boolean {
  if (value === undefined || value instanceof BSONRegExp || value instanceof RegExp) return false;
  const [first] = isObject(value) ? Object.keys(value) : [];
  return first === undefined || first === '$eq' || !first.startsWith('$');
}

function valueAt(document: Document, path: string): unknown {
  if (path in document) return document[path];
  return path.split('.').reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), document);
}

function isObject(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && value.constructor === Object;
}
