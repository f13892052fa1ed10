import type { Db, MongoClient } from 'mongodb';
import { NAMESPACES } from './operation.ts';

/** Capped collections of the model whose documents come in another order on the destination. */
export async function differingOrders(source: MongoClient, destination: MongoClient): Promise<string[]> {
  const differing: string[] = [];
  for (const namespace of NAMESPACES) {
    const [database = '', name = ''] = namespace.split('.');
    if (!(await isCapped(source.db(database), name))) continue;
    const [left, right] = await Promise.all([source, destination].map((client) => order(client.db(database), name)));
    if (left !== right) differing.push(`${namespace}: the order ${right}, not ${left}`);
  }
  return differing;
}

async function isCapped(database: Db, name: string): Promise<boolean> {
  const [listed] = await database.listCollections({ name, 'options.capped': true }).toArray();
  return listed !== undefined;
}

async function order(database: Db, name: string): Promise<string> {
  const documents = await database
    .collection(name)
    .find({}, { hint: { $natural: 1 }, projection: { _id: 1 }, raw: true })
    .toArray();
  return documents.map((raw) => Buffer.from(raw as unknown as Uint8Array).toString('hex', 4)).join(' ');
}
