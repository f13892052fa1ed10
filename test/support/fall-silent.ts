import assert from 'node:assert/strict';
import type { MongoClient } from 'mongodb';

/** Ages the record of a migration whose engine has ended, as if 30 s had gone by since. */
export async function fallSilent({ client }: { readonly client: MongoClient }, _id = ''): Promise<void> {
  const migrations = client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  const { matchedCount } = await migrations.updateOne({ _id }, { $set: { savedAt: new Date(Date.now() - 31_000) } });
  assert.equal(matchedCount, 1, 'no record to age');
}
