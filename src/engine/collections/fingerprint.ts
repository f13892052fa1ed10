import { createHash } from 'node:crypto';
import type { UUID } from 'mongodb';
import { convertedBy } from '../catalog/converted-collection.ts';
import { type Fields, fieldsOf } from '../catalog/fields.ts';
import { readIndexSpec } from '../catalog/index-spec.ts';
import { isFinished, listCollections, listRawIndexes, listUserDatabases } from '../catalog/read-catalog.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Clusters } from '../records/context.ts';
import type { Migrated } from './context.ts';

/** A catalog in short: by namespace, a digest of all that defines a collection or view. */
export type Fingerprint = ReadonlyMap<string, string>;

const LISTED_AT_A_TIME = 8;

/** Fingerprint of the selected namespaces on the source. */
export async function fingerprintOfSource({ source, selection }: Clusters & Migrated): Promise<Fingerprint> {
  const slots = new Slots(LISTED_AT_A_TIME);
  const databases = await listUserDatabases(source);
  const entries = await Promise.all(databases.map((database) => slots.run(() => listCollections(source, database))));
  const selected = entries.flat().filter(({ database, name }) => selection.has(database, name));
  const digests = selected.map(({ database, name, type, uuid, options }) =>
    slots.run(async () => {
      // Unfinished indexes are included: a build that completes or fails is a change.
      const indexes = type === 'view' ? [] : await listRawIndexes(source, database, name);
      return [`${database}.${name}`, digestOf({ uuid, options, indexes: indexes.map(fieldsOfIndex) })] as const;
    }),
  );
  return new Map(await Promise.all(digests));
}

/** Fingerprint of the catalog that was copied: collections as they were read, views as they are on the destination. */
export async function fingerprintOfCopy(context: Clusters & Migrated): Promise<Fingerprint> {
  const { destination, tracked, namespaces, views } = context;
  const fingerprint = new Map<string, string>();
  for (const { namespace, uuid, options, indexes } of tracked.values()) {
    fingerprint.set(namespace, digestOf({ uuid, options, indexes: indexes.map(({ original }) => original) }));
  }
  for (const database of views.databases) {
    const ours = views.of(database);
    for (const { name, type, options } of await listCollections(destination, namespaces.database(database))) {
      if (type !== 'view' || !ours.has(name)) continue;
      fingerprint.set(
        `${database}.${namespaces.sourceOfCollection(database, name)}`,
        digestOf({ options, indexes: [] }),
      );
    }
  }
  return fingerprint;
}

/** Returns the first namespace that differs between two fingerprints, and how; `undefined` when they are the same. */
export function findChange(
  before: Fingerprint,
  now: Fingerprint,
): { readonly namespace: string; readonly what: string } | undefined {
  for (const [namespace, digest] of before) {
    if (!now.has(namespace)) return { namespace, what: 'it is gone' };
    if (now.get(namespace) !== digest)
      return { namespace, what: 'it is another collection, or its options or indexes differ' };
  }
  const [added] = [...now.keys()].filter((namespace) => !before.has(namespace));
  if (added === undefined) return undefined;
  const [database = '', ...name] = added.split('.');
  const converted = convertedBy(name.join('.'));
  // Users know the collection that becomes capped, and not the temporary one.
  return converted === undefined
    ? { namespace: added, what: 'it is new' }
    : { namespace: `${database}.${converted}`, what: 'it becomes capped' };
}

/** Returns no fields for the `_id` index: the collection's options define it. */
function fieldsOfIndex(bytes: Buffer): Fields {
  return isFinished(bytes) ? (readIndexSpec(bytes)?.original ?? new Map()) : fieldsOf(bytes);
}

function digestOf(entry: {
  readonly uuid?: UUID | undefined;
  readonly options: Fields;
  readonly indexes: readonly Fields[];
}): string {
  const indexes = entry.indexes.map(textOf).filter(Boolean).sort();
  const text = JSON.stringify([entry.uuid?.toHexString() ?? '', textOf(entry.options), indexes]);
  return createHash('sha256').update(text).digest('base64');
}

/** The fields as a text that does not depend on their order. */
function textOf(fields: Fields): string {
  return [...fields]
    .map(([name, { type, bytes }]) => `${name} ${type} ${bytes.toString('base64')}`)
    .sort()
    .join('\n');
}
