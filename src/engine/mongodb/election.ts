import type { MongoClient } from 'mongodb';

/**
 * Returns the id of the election that the cluster's primary has won. While it stays the same, so does the primary. A
 * router has none, and each gives the text "undefined".
 */
export async function electionOf(client: MongoClient): Promise<string> {
  return String((await client.db('admin').command({ hello: 1 })).electionId);
}
