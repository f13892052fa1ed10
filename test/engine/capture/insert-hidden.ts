import type { MongoClient, Timestamp } from 'mongodb';

/** Inserts a document into `shop.items` that no change stream shows. Returns its time. */
export async function insertHidden(client: MongoClient, _id: number): Promise<Timestamp> {
  const operation = { op: 'i', ns: 'shop.items', o: { _id, hidden: true } };
  const command = { applyOps: [operation], writeConcern: { w: 'majority' } };
  const { operationTime } = await client.db('admin').command(command);
  return operationTime;
}
