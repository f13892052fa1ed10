import type { Document, MongoClient } from 'mongodb';

/**
 * Returns the parameter with the feature compatibility version of a replica set: `version`, and more during a change of it.
 * @throws MongoServerError Unauthorized when the user may not ask
 */
export async function levelOfSet(client: MongoClient): Promise<Document> {
  const reply = await client.db('admin').command({ getParameter: 1, featureCompatibilityVersion: 1 });
  return reply.featureCompatibilityVersion;
}
