import type { MongoClient } from 'mongodb';
import { UNSTOPPED } from './apply-fault.ts';

/** What a round with a selection migrates, as `/start` takes it: some databases, and a part of one. */
export const SELECTED = {
  includeNamespaces: [
    { database: 'shop' },
    { databaseRegex: { pattern: `^(acknowledged|saved|rolled|${UNSTOPPED})$` } },
    // A pattern: a writer may have dropped the collection just before the start, and a literal name would then be refused.
    { database: 'rings', collectionsRegex: { pattern: '^large$' } },
  ],
  excludeNamespaces: [{ database: 'shop', collections: ['c'] }],
};

const DATABASES = ['shop', 'acknowledged', 'saved', 'rolled', UNSTOPPED, 'rings'];
const LEFT_OUT = [
  ['shop', 'c'],
  ['rings', 'small'],
] as const;

/** Drops what is not selected, which the migration has to leave out, so that both sides can be compared as a whole. */
export async function dropUnselected(source: MongoClient): Promise<void> {
  const { databases } = await source.db('admin').admin().listDatabases({ nameOnly: true });
  for (const { name } of databases)
    if (![...DATABASES, 'admin', 'config', 'local'].includes(name)) await source.db(name).dropDatabase();
  for (const [database, name] of LEFT_OUT) await source.db(database).collection(name).drop();
}
