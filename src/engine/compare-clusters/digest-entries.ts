import type { MongoClient } from 'mongodb';
import { readDefinitions } from '../accounts/definition.ts';
import { canonicalAccount, canonicalIndex, canonicalOptions, fingerprintOf } from '../compare/canonical-form.ts';
import { DocumentsDigest } from '../compare/digest.ts';
import type { SideCatalog, SideEntry } from '../compare/side-catalog.ts';
import { isBuckets } from '../mongodb/namespaces.ts';
import type { CollectionDigest } from './digest-collection.ts';
import type { DigestedEntry, DigestReport } from './digest-report.ts';

/** Returns the fingerprints of all users and custom roles. */
export async function digestAccounts(client: MongoClient): Promise<DigestReport['accounts']> {
  const definitions = [...(await readDefinitions(client, 'user')), ...(await readDefinitions(client, 'role'))];
  return definitions
    .map((one) => ({ kind: one.kind, id: one.id, fingerprint: fingerprintOf(canonicalAccount(one)) }))
    .sort((a, b) => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1));
}

/** Whether an entry has no documents of its own. */
export function isView({ type }: SideEntry): boolean {
  return type === 'view';
}

/** Returns a view as the report has it. */
export function digestedView(entry: SideEntry): DigestedEntry {
  return { type: 'view', ...definitionOf(entry) };
}

function definitionOf({ sourceNamespace: namespace, options }: SideEntry) {
  const fields = [...canonicalOptions(options)].map(
    ([name, value]) => [name, fingerprintOf(new Map([[name, value]]))] as const,
  );
  return { namespace, options: Object.fromEntries(fields) };
}

/**
 * Returns a collection as the report has it.
 * @param written  null when writes could not be seen
 */
export function digestedEntry(entry: SideEntry, digest: CollectionDigest, written: boolean | null): DigestedEntry {
  const indexes = entry.indexes
    .map((spec) => [spec.name, fingerprintOf(canonicalIndex(spec))] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    type: isBuckets(entry.name) ? 'timeseries' : 'collection',
    ...definitionOf(entry),
    indexes: Object.fromEntries(indexes),
    ...digest.documents.value,
    ...(digest.order === undefined ? {} : { orderDigest: digest.order.digest }),
    atClusterTime: digest.atClusterTime,
    written: digest.isWhole ? written : true,
  };
}

/** Returns the namespaces that changed: they have another UUID, or another definition. */
export function changedNamespaces(before: SideCatalog, after: SideCatalog): string[] {
  const textOf = (entry: SideEntry | undefined) => {
    if (entry === undefined) return '';
    const { options, indexes } = isView(entry)
      ? { ...definitionOf(entry), indexes: [] }
      : {
          ...definitionOf(entry),
          indexes: entry.indexes.map((spec) => spec.name + fingerprintOf(canonicalIndex(spec))),
        };
    return JSON.stringify([entry.type, entry.uuid?.toHexString(), options, [...indexes].sort()]);
  };
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.filter((name) => textOf(before.get(name)) !== textOf(after.get(name)));
}

/** Returns the sums over all collections. */
export function totalsOf(
  collections: readonly DigestedEntry[],
  digests: ReadonlyMap<SideEntry, CollectionDigest>,
): DigestReport['totals'] {
  const whole = new DocumentsDigest();
  for (const { documents } of digests.values()) whole.combine(documents);
  const views = collections.filter(({ type }) => type === 'view').length;
  return { collections: collections.length - views, views, ...whole.value };
}

/** Returns the collections of users and roles that changed. */
export function changedAccounts(before: DigestReport['accounts'], after: DigestReport['accounts']): string[] {
  const textOf = (accounts: DigestReport['accounts'], wanted: 'user' | 'role') =>
    JSON.stringify(accounts?.filter(({ kind }) => kind === wanted));
  return (['user', 'role'] as const)
    .filter((kind) => textOf(before, kind) !== textOf(after, kind))
    .map((kind) => `admin.system.${kind}s`);
}
