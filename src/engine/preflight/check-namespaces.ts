import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { findTwins, type IndexSpec } from '../catalog/index-spec.ts';
import { modernisedWarnings, whyNotToday } from '../catalog/legacy-index.ts';
import { catalogName } from '../catalog/namespaces.ts';
import { type CatalogEntry, listCollections, listIndexes, listUserDatabases } from '../catalog/read-catalog.ts';
import type { Selection } from '../catalog/selection.ts';
import { whyUnsupported } from '../catalog/unsupported.ts';
import type { SourceFeatures } from '../cluster/server-features.ts';

/** What of the source's catalog is to be migrated. */
export async function selectedEntries(source: MongoClient, selection: Selection): Promise<CatalogEntry[]> {
  const entries: CatalogEntry[] = [];
  for (const database of await listUserDatabases(source)) entries.push(...(await listCollections(source, database)));
  return entries.filter(({ database, name }) => selection.has(database, name));
}

interface NamespaceFindings {
  readonly errors: readonly UserError[];
  readonly warnings: readonly UserError[];
}

/** Collections, views and indexes that can't be migrated, and indexes that come over in another form. */
export async function checkNamespaces(
  source: MongoClient,
  features: SourceFeatures,
  entries: readonly CatalogEntry[],
): Promise<NamespaceFindings> {
  const errors: UserError[] = [];
  const warnings: UserError[] = [];
  for (const entry of entries) {
    const namespace = `${entry.database}.${catalogName(entry.name)}`;
    const indexes = entry.type === 'view' ? [] : await listIndexes(source, entry.database, entry.name);
    const reason = whyUnsupported(entry, features) ?? whyUnsupportedIndexes(indexes);
    if (reason !== undefined) errors.push(new UserError('UNSUPPORTED_NAMESPACE', [namespace, reason]));
    warnings.push(...modernisedWarnings(namespace, indexes));
  }
  return { errors, warnings };
}

function whyUnsupportedIndexes(indexes: readonly IndexSpec[]): string | undefined {
  for (const { name, fields } of indexes) {
    const reason = whyNotToday(fields);
    if (reason !== undefined) return `indexed by ${name}, ${reason}`;
  }
  const twins = findTwins(indexes);
  return (
    twins && `indexed twice alike, by ${twins[0]} and ${twins[1]}, of which one is unique, expires or is of old form`
  );
}
