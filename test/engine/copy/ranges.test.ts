import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Binary, Decimal128, Double, Long, type MongoClient, ObjectId } from 'mongodb';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const DOCUMENTS = 12_000;

/** Ids of all kinds in one collection: a comparison by type would leave most of them out. */
const KINDS: readonly ((n: number) => unknown)[] = [
  (n) => n,
  (n) => new Double(n + 0.5),
  (n) => Long.fromNumber(n * 2 ** 33),
  (n) => Decimal128.fromString(`${n}.25`),
  (n) => `text ${n}`,
  () => new ObjectId(),
  (n) => ({ nested: n, 1: 'x' }),
  (n) => new Binary(Buffer.from(`bytes ${n}`)),
  (n) => new Date(n),
];

// id: ranges-leave-nothing-out
test('a large collection is cut into ranges that leave nothing out, whatever its ids', async () => {
  await using pair = await startPair();
  await fill(pair.source.client, 'mixed', (n) => KINDS[n % KINDS.length]?.(n));
  await using running = RunningMigration.start(pair, { partitionBytes: 200_000 });
  await running.untilReady();
  assert.ok((await rangesOf(pair)) >= 8, 'it was cut');
  await running.commit();
  await assertIdentical(pair);
});

// id: ranges-follow-collation
test('ranges follow the collation of their collection, in which ids differ only by what it tells apart', async () => {
  await using pair = await startPair();
  const { client } = pair.source;
  await client.db('ranges').createCollection('collated', { collation: { locale: 'sv', strength: 2 } });
  const letters = 'aBcÅäÖzé';
  await fill(client, 'collated', (n) => `${letters[n % letters.length]}${n.toString(36)}`);
  await using running = RunningMigration.start(pair, { partitionBytes: 200_000 });
  await running.untilReady();
  const collated = client.db('ranges').collection<{ _id: string; n: number }>('collated');
  await collated.deleteOne({ _id: 'a0' });
  await collated.insertOne({ _id: 'A0', n: -1 });
  await running.commit();
  await assertIdentical(pair);
});

async function fill(client: MongoClient, name: string, idOf: (n: number) => unknown): Promise<void> {
  const collection = client.db('ranges').collection<{ _id: never; n: number; text: string }>(name);
  const documents = Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: idOf(n) as never, n, text: 'x'.repeat(200) }));
  await collection.insertMany(documents);
}

async function rangesOf(pair: ReplicaSetPair): Promise<number> {
  return await pair.destination.client.db('linkspan_internal').collection('partitions').countDocuments();
}

async function assertIdentical(pair: ReplicaSetPair): Promise<void> {
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, DOCUMENTS);
}
