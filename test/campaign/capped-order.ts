import type { MongoClient } from 'mongodb';

/** Returns the capped collections whose documents have another order on the destination. */
export async function differencesOfOrder(source: MongoClient, destination: MongoClient): Promise<string[]> {
  const found: string[] = [];
  const { databases } = await source.db('admin').admin().listDatabases({ nameOnly: true });
  for (const { name: database } of databases) {
    if (['admin', 'config', 'local'].includes(database)) continue;
    const listed = await source.db(database).listCollections({ 'options.capped': true }, { nameOnly: true }).toArray();
    for (const { name } of listed) {
      const [left, right] = await Promise.all([source, destination].map((client) => orderOf(client, database, name)));
      if (left === undefined || right === undefined) throw new Error('an order is missing');
      const at = left.findIndex((id, place) => id !== right[place]);
      if (at >= 0)
        found.push(
          `${database}.${name} has another order: place ${at} has ${left[at]}, on the destination ${right[at]}`,
        );
    }
  }
  return found;
}

async function orderOf(client: MongoClient, database: string, name: string): Promise<string[]> {
  const cursor = client
    .db(database)
    .collection(name)
    .find({}, { sort: { $natural: 1 }, projection: { _id: 1 } });
  return await cursor.map(({ _id }) => String(_id)).toArray();
}
