import { type Document, type MongoClient, MongoServerError } from 'mongodb';
import { USER_WRITES_BLOCKED } from '../support/ledger-writer.ts';

/** Whether the write block refuses writes of this client's user. */
export async function refusesWrites(application: MongoClient): Promise<boolean> {
  const probe = application.db('acknowledged').collection('probe');
  try {
    await probe.insertOne({});
    await probe.drop();
    return false;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === USER_WRITES_BLOCKED) return true;
    throw error;
  }
}

/** Returns the record of the only migration on a destination; empty without one. */
export async function recordOn(destination: MongoClient): Promise<Document> {
  return (await destination.db('linkspan_internal').collection('migrations').findOne()) ?? {};
}
