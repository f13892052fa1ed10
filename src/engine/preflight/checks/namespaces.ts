import { findTwins, type IndexSpec, isUnique } from '../../catalog/index-spec.ts';
import { modernisedWarnings, whyNotToday } from '../../catalog/legacy-index.ts';
import { type CatalogEntry, listIndexes } from '../../catalog/read-catalog.ts';
import { whyUnknownIndex } from '../../catalog/unknown.ts';
import { selectedInAdmin, whyUnsupported } from '../../catalog/unsupported.ts';
import { INTERNAL_DATABASE, shownName } from '../../mongodb/namespaces.ts';
import { mayRefuseRecovery } from '../../mongodb/server-features.ts';
import { Selection } from '../../scope/selection.ts';
import { type Found, found, NO_TIME } from '../finding.ts';
import type { Look } from '../look.ts';
import { sweep } from '../within.ts';

/** The most indexes that a server allows on one collection, including the one on `_id` or the cluster key. */
const MOST_INDEXES = 64;
/** A smaller one is copied in a moment. */
const NAMES_SHOWN = 5;

/**
 * Finds collections and views that can't be migrated or that matter at the cutover, and databases with the engine's own
 * name.
 */
export async function checkNamespaces(look: Look): Promise<Found[]> {
  const entries = await look.entries();
  const reserved = [...new Set(entries.map(({ database }) => database))].filter(
    (name) => name.toLowerCase() === INTERNAL_DATABASE,
  );
  return [
    // rule: refuse-admin-collections
    ...(await checkAdmin(look)),
    ...reserved.map((name) => {
      const why = `it differs only by case from ${INTERNAL_DATABASE}, which the destination has for checkpoints`;
      return found('NAMESPACE_CONFLICT', [name, why], name);
    }),
    ...entries.flatMap((entry) => {
      const namespace = namespaceOf(entry);
      const reason = whyUnsupported(entry, look.features);
      return reason === undefined ? [] : [found('UNSUPPORTED_NAMESPACE', [namespace, reason], namespace)];
    }),
  ];
}

async function checkAdmin({ source, options, features }: Look): Promise<Found[]> {
  const selected = await selectedInAdmin(source, new Selection(options.filters));
  return selected.map((entry) => {
    const name = namespaceOf(entry);
    return found('UNSUPPORTED_NAMESPACE', [name, whyUnsupported(entry, features) ?? ''], name);
  });
}

/**
 * Finds indexes that can't be migrated or that change their form, collections that have the most indexes, and servers
 * whose members may not start again after a kill during the conversion of unique indexes.
 */
export async function checkIndexes(look: Look): Promise<Found[]> {
  const { source, entries, features, signal } = look;
  const looked = (await entries()).filter(
    (entry) => entry.type !== 'view' && whyUnsupported(entry, features) === undefined,
  );
  const { results, left } = await sweep(looked, signal, async (entry) => ({
    entry,
    indexes: await listIndexes(source, entry.database, entry.name),
  }));
  return [
    ...results.flatMap(({ entry, indexes }) => checkIndexesOf(namespaceOf(entry), indexes)),
    ...checkRecovery(
      look,
      results.filter(({ indexes }) => indexes.some(isUnique)).map(({ entry }) => namespaceOf(entry)),
    ),
    ...(left === 0
      ? []
      : [found('CHECK_INCOMPLETE', [`the indexes of ${left} of ${looked.length} collections`, NO_TIME])]),
  ];
}

/** @param unique  the collections with unique indexes */
function checkRecovery({ from, to, options }: Look, unique: readonly string[]): Found[] {
  if (unique.length === 0) return [];
  const names = unique.slice(0, NAMES_SHOWN).join(', ') + (unique.length > NAMES_SHOWN ? ', …' : '');
  // rule: warn-of-old-source
  const sides = [['destination', to] as const, ...(options.reversible ? [['source', from] as const] : [])];
  return sides
    .filter(([, { mongoDBVersion }]) => mayRefuseRecovery(mongoDBVersion))
    .map(([side, { mongoDBVersion }]) => found('RECOVERY_MAY_FAIL', [side, mongoDBVersion, names]));
}

function checkIndexesOf(namespace: string, indexes: readonly IndexSpec[]): Found[] {
  const full = indexes.length + 1 >= MOST_INDEXES;
  return [
    ...whyUnsupportedIndexes(indexes).map((why) => found('UNSUPPORTED_NAMESPACE', [namespace, why], namespace)),
    ...modernisedWarnings(namespace, indexes).map((error) => ({ error, namespace })),
    ...(full ? [found('INDEXES_AT_LIMIT', [namespace, String(MOST_INDEXES)], namespace)] : []),
  ];
}

function whyUnsupportedIndexes(indexes: readonly IndexSpec[]): string[] {
  const ofOld = indexes.flatMap((index) => {
    const reason = whyNotToday(index.fields) ?? whyUnknownIndex(index);
    return reason === undefined ? [] : [`indexed by ${index.name}, ${reason}`];
  });
  const twins = findTwins(indexes);
  if (twins === undefined) return ofOld;
  const [one, other] = twins;
  return [...ofOld, `indexed twice alike, by ${one} and ${other}, of which one is of old form`];
}

/** Returns the name of an entry as users know it. */
export function namespaceOf({ database, name, options }: CatalogEntry): string {
  return `${database}.${shownName(name, options)}`;
}
