import { createHash } from 'node:crypto';
import type { CollectionInfo, Document, ListCollectionsCursor, MongoClient } from 'mongodb';

/** Describes all user data of a cluster, one line for each collection, view, index, document, user and role. */
export async function snapshotOf(client: MongoClient): Promise<string[]> {
  const lines: string[] = [];
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  for (const { name: database } of databases) {
    if (['admin', 'config', 'local', 'linkspan_internal'].includes(database)) continue;
    const all: ListCollectionsCursor<CollectionInfo> = client.db(database).listCollections();
    for (const listed of await all.toArray()) {
      lines.push(`${database}.${listed.name}: ${JSON.stringify([listed.type, listed.options, listed.info?.uuid])}`);
      // It contains only the definitions of views, and applications may not read it.
      if (listed.type !== 'collection' || listed.name === 'system.views') continue;
      const collection = client.db(database).collection(listed.name);
      const documents = await collection.find({}, { sort: { _id: 1 } }).toArray();
      lines.push(`${database}.${listed.name}: ${documents.length} documents, ${digest(documents)}`);
      lines.push(`${database}.${listed.name}: ${JSON.stringify(await collection.listIndexes().toArray())}`);
    }
  }
  for (const kind of ['system.users', 'system.roles'])
    for (const { _id } of await client.db('admin').collection(kind).find().toArray()) lines.push(`${kind}: ${_id}`);
  return lines.sort();
}

/** Returns the differences of the second snapshot from the first, one sentence each. */
export function changesBetween(before: readonly string[], after: readonly string[]): string[] {
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `no longer: ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `new: ${line}`),
  ];
}

function digest(documents: readonly Document[]): string {
  return createHash('sha1').update(JSON.stringify(documents)).digest('base64');
}
