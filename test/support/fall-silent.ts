import type { MongoClient } from 'mongodb';

/** Ages the record of a migration, as if its engine had not written for 30 s. Its engine must have ended. */
export async function fallSilent({ client }: { readonly client: MongoClient }, _id: string): Promise<void> {
  const migrations = client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  await migrations.updateOne({ _id }, { $set: { savedAt: new Date(Date.now() - 31_000) } });
}
