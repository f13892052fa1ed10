import { UUID } from 'mongodb';
import { plantIndexes } from '../../support/plant-indexes.ts';
import type { ReplicaSet } from '../../support/replica-set.ts';

/** Fills a catalog with one example for each finding about namespaces. */
export async function fillCatalog(source: ReplicaSet): Promise<void> {
  const db = source.client.db('odd');
  await db.command({
    create: 'secret',
    encryptedFields: { fields: [{ path: 'a', bsonType: 'string', keyId: new UUID() }] },
  });
  await db.collection('twins').createIndex({ a: 1 }, { name: 'one' });
  const many = Array.from({ length: 63 }, (_, n) => ({ key: { [`f${n}`]: 1 as const } }));
  await db.collection('full').createIndexes(many);
  await db.collection('almost').createIndexes(many.slice(1));
  await db.createCollection('series', { timeseries: { timeField: 'at' } });
  for (const name of ['early', 'legacy']) await db.createCollection(name);
  await source.client.db('shop').createCollection('orders');
  await source.client.db('Linkspan_Internal').createCollection('theirs');
  const big = source.client.db('big').collection<{ _id: number; bytes: Buffer }>('large');
  await big.insertOne({ _id: 1, bytes: Buffer.alloc(15.9 * 1024 * 1024) });
  await big.insertOne({ _id: 2, bytes: Buffer.alloc(100) });
  await plantIndexes(source, {
    'odd.early': { key: { at: 1 }, name: 'before', expireAfterSeconds: -60 },
    'odd.twins': { v: 1, key: { a: true }, name: 'two' },
    'odd.legacy': { v: 1, key: { a: true }, name: 'old' },
  });
}
