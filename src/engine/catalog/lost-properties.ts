import type { MongoClient } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { documentOf, type Fields } from './fields.ts';
import {
  expireAfterSeconds,
  type IndexSpec,
  isPreparedUnique,
  isUnique,
  plainTwins,
  sameButForWeakening,
  stricterFields,
} from './index-spec.ts';
import { type CatalogEntry, listIndexes } from './read-catalog.ts';

/** The definition of a collection on the source, by the record. */
interface Original {
  readonly options: Fields;
  readonly indexes: readonly IndexSpec[];
}

const EXPIRY = 'expireAfterSeconds';

/** Whether weakening takes something from an index. */
export function canBeWeakened(spec: IndexSpec): boolean {
  return isUnique(spec) || isPreparedUnique(spec) || expireAfterSeconds(spec) !== undefined;
}

/**
 * Returns the uniqueness and expiry of the source that a collection of the destination lacks, for example `shop.orders:
 * email_1 (unique)`.
 */
export async function lostProperties(
  destination: MongoClient,
  { database, name, options }: CatalogEntry,
  original: Original,
): Promise<string[]> {
  const namespace = `${database}.${name}`;
  const isLost = original.options.has(EXPIRY) && secondsOf(options) !== secondsOf(original.options);
  const own = isLost ? [`${namespace} (${EXPIRY} ${secondsOf(original.options)})`] : [];
  const later = plainTwins(original.indexes);
  const wanted = original.indexes.filter((spec) => canBeWeakened(spec) || later.includes(spec));
  if (wanted.length === 0) return own;
  const present = new Map((await listIndexes(destination, database, name)).map((spec) => [spec.name, spec]));
  const ofIndexes = wanted.flatMap((spec) => {
    const lost = lostOf(spec, present.get(spec.name));
    return lost.length === 0 ? [] : [`${namespace}: ${spec.name} (${lost.join(', ')})`];
  });
  return [...own, ...ofIndexes];
}

function lostOf(original: IndexSpec, present: IndexSpec | undefined): readonly string[] {
  if (present === undefined) return ['missing'];
  if (!sameButForWeakening(original, present)) return ['changed'];
  const expiry = secondsOf(original.fields);
  return [
    ...stricterFields(original, present).filter((field) => field !== EXPIRY),
    ...(expiry === secondsOf(present.fields) ? [] : [`${EXPIRY} ${expiry}`]),
  ];
}

/** Returns an expiry in whole seconds, as servers use it. */
function secondsOf(fields: Fields): number | undefined {
  const value = fields.get(EXPIRY);
  return value && Math.trunc(Number(decode(documentOf(new Map([[EXPIRY, value]])))[EXPIRY]));
}
