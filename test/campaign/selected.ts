import type { MongoClient } from 'mongodb';
import { UNSTOPPED } from './apply-fault.ts';

/** The selection of a round, in the form of `/start`: some databases, and a part of one. */
export const SELECTED = {
  includeNamespaces: [
    { database: 'shop' },
    { databaseRegex: { pattern: `^(acknowledged|saved|rolled|${UNSTOPPED})$` } },
    // A pattern, because a literal name would be refused if a writer dropped the collection just before the start.
    { database: 'rings', collectionsRegex: { pattern: '^large$' } },
  ],
  excludeNamespaces: [{ database: 'shop', collections: ['c'] }],
};

const DATABASES = ['shop', 'acknowledged', 'saved', 'rolled', UNSTOPPED, 'rings'];
const LEFT_OUT = [
  ['shop', 'c'],
  ['rings', 'small'],
] as const;

/** Drops the namespaces outside the selection on the source, so that both sides can be compared as a whole. */
export async function dropUnselected(source: MongoClient): Promise<void> {
  const { databases } = await source.db('admin').admin().listDatabases({ nameOnly: true });
  for (const { name } of databases)
    if (![...DATABASES, 'admin', 'config', 'local'].includes(name)) await source.db(name).dropDatabase();
  for (const [database, name] of LEFT_OUT) await source.db(database).collection(name).drop();
}
