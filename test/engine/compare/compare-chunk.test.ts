import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Decimal128, type Document, Double, Long, ObjectId } from 'mongodb';
import { type DocumentKey, describeKey, keyOf } from '../../../src/engine/bson/document-key.ts';
import { compareChunk } from '../../../src/engine/compare/compare-chunk.ts';
import { type DocumentReader, readRange } from '../../../src/engine/compare/document-reader.ts';
import { ReadAhead } from '../../../src/engine/compare/read-ahead.ts';
import { eventually } from '../../support/eventually.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';

let set: ReplicaSet;
before(async () => {
  set = await startReplicaSet();
});
after(() => set[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const side of ['source', 'destination']) await set.client.db(side).dropDatabase();
});

const onSource = () => set.client.db('source').collection<Document>('c');
const onDestination = () => set.client.db('destination').collection<Document>('c');

async function insertOnBoth(documents: readonly Document[]): Promise<void> {
  for (const collection of [onSource(), onDestination()]) await collection.insertMany([...documents]);
}

function reader(database: string, isClustered = false, reads: number[] = []): DocumentReader {
  const from = { database, name: 'c', isClustered, readConcern: { level: 'majority' } };
  return {
    read: async (range, limit) => {
      const batch = await readRange(set.client, from, range, limit);
      reads.push(batch.documents.length);
      return batch;
    },
  };
}

/** Compares the whole collection in chunks, with and without reading ahead. Shows what differs as `+key`, `-key` and `≠key`. */
async function compareAll(limit: number, isClustered = false, destination = reader('destination', isClustered)) {
  const source = reader('source', isClustered);
  const result = await compareWith(source, destination, limit);
  await using sourceAhead = new ReadAhead(source);
  await using destinationAhead = new ReadAhead(destination);
  assert.deepEqual(await compareWith(sourceAhead, destinationAhead, limit), result);
  return result;
}

async function compareWith(source: DocumentReader, destination: DocumentReader, limit: number) {
  const differing: string[] = [];
  const seen = { source: 0, destination: 0, both: 0 };
  let after: DocumentKey | undefined;
  let documents = 0;
  while (true) {
    const chunk = await compareChunk(source, destination, {
      after,
      limit,
      differ: async (pairs) => {
        for (const { key, source, destination } of pairs) {
          const sign = source === undefined ? '+' : destination === undefined ? '-' : '≠';
          differing.push(sign + describeKey(key));
        }
      },
      seen: (batch, side) => {
        seen[side] += batch.length;
      },
    });
    documents += chunk.documents;
    assert.ok(chunk.sourceTime !== undefined && chunk.destinationTime !== undefined);
    if (chunk.last === undefined) return { differing: differing.sort(), documents, seen };
    after = chunk.last;
  }
}

test('equal collections have no difference, whatever the size of a chunk, and each document is read once each time', async () => {
  await insertOnBoth(identified(100, { text: 'x' }));
  for (const limit of [1, 7, 100, 1_000]) {
    const reads: number[] = [];
    const { differing, documents, seen } = await compareAll(limit, false, reader('destination', false, reads));
    assert.deepEqual(differing, []);
    assert.equal(documents, 100);
    assert.deepEqual(seen, { both: 100, source: 0, destination: 0 });
    assert.equal(
      reads.reduce((sum, read) => sum + read, 0),
      2 * 100,
    );
  }
});

test('the next batch is requested before it is asked for, and its failure meets the one who asks for it', async () => {
  await onSource().insertMany(identified(3));
  const reads: number[] = [];
  let fails = false;
  const failing = reader('source', false, reads);
  await using ahead = new ReadAhead({
    read: async (range, limit) => {
      if (fails) throw new Error('the server is gone');
      return await failing.read(range, limit);
    },
  });
  const [first] = (await ahead.read({}, 1)).documents;
  await eventually(() => reads.length === 2, { what: 'the next read' });
  fails = true;
  const after = first && keyOf(first);
  const [second] = (await ahead.read({ after }, 1)).documents;
  const last = second && keyOf(second);
  await assert.rejects(ahead.read({ after: last }, 1), /the server is gone/);
  fails = false;
  assert.equal((await ahead.read({ after: last }, 1)).documents.length, 1);
  assert.equal((await ahead.read({ after }, 5)).documents.length, 2);
});

test('documents that are changed, missing or extra are found at every place of a chunk', async () => {
  await insertOnBoth(identified(100).filter(({ _id }) => _id % 2 === 0));
  for (const _id of [-1, 21, 23, 49, 99, 101, 103, 105]) await onDestination().insertOne({ _id: _id as never });
  for (const _id of [0, 48, 50, 98]) await onDestination().deleteOne({ _id: _id as never });
  await onDestination().updateOne({ _id: 52 as never }, { $set: { n: 1 } });
  const expected = ['+-1', '+21', '+23', '+49', '+99', '+101', '+103', '+105', '-0', '-48', '-50', '-98', '≠52'];
  for (const limit of [1, 2, 7, 25, 1_000]) {
    const { differing, documents, seen } = await compareAll(limit);
    assert.deepEqual(differing, expected.toSorted(), `chunks of ${limit}`);
    assert.equal(documents, 50);
    assert.equal(seen.both + seen.source, 50);
    assert.equal(seen.both + seen.destination, 54);
  }
});

test('a side without documents is missing or extra as a whole', async () => {
  await onSource().insertMany(identified(10));
  assert.equal((await compareAll(3)).differing.filter((shown) => shown.startsWith('-')).length, 10);
  await onSource().deleteMany({});
  await onDestination().insertMany(identified(10));
  assert.equal((await compareAll(3)).differing.filter((shown) => shown.startsWith('+')).length, 10);
});

test('ids of all types are compared, and an id with another number type is the same key', async () => {
  const ids = [
    ...[1, new Double(2.5), Long.fromNumber(2 ** 40), Decimal128.fromString('7.25'), new Double(Number.NaN)],
    ...['text', { nested: 1 }, new ObjectId(), new Date(5), true, null, Number.NEGATIVE_INFINITY],
  ];
  await insertOnBoth(ids.map((_id) => ({ _id })));
  for (const limit of [1, 2, 100]) assert.deepEqual((await compareAll(limit)).differing, []);
  await onDestination().deleteOne({ _id: 1 as never });
  await onDestination().insertOne({ _id: new Double(1) as never });
  await onDestination().deleteOne({ _id: 'text' as never });
  for (const limit of [1, 2, 100]) assert.deepEqual((await compareAll(limit)).differing, ['-"text"', '≠1']);
});

test('ids that a collation takes as equal are two keys', async () => {
  for (const side of ['source', 'destination']) {
    await set.client.db(side).createCollection('c', { collation: { locale: 'en', strength: 1 } });
  }
  await insertOnBoth(['a', 'b', 'c', 'd'].map((_id) => ({ _id })));
  for (const limit of [1, 2, 3, 100]) assert.deepEqual((await compareAll(limit)).differing, []);
  await onDestination().deleteOne({ _id: 'b' as never });
  await onDestination().insertOne({ _id: 'B' as never });
  for (const limit of [1, 2, 3, 100]) assert.deepEqual((await compareAll(limit)).differing, ['+"B"', '-"b"']);
});

test('clustered collections are compared in the order of their keys', async () => {
  for (const side of ['source', 'destination']) {
    await set.client.db(side).createCollection('c', { clusteredIndex: { key: { _id: 1 }, unique: true } });
  }
  await insertOnBoth(identified(50));
  await onDestination().deleteOne({ _id: 20 as never });
  for (const limit of [1, 7, 100]) assert.deepEqual((await compareAll(limit, true)).differing, ['-20']);
});

test('documents too large for one reply are compared in smaller chunks', async () => {
  const text = 'x'.repeat(7 * 1024 * 1024);
  for (const _id of [1, 2, 3, 4, 5]) await insertOnBoth([{ _id, text }]);
  await onDestination().updateOne({ _id: 4 as never }, { $set: { text: `y${text.slice(1)}` } });
  await onDestination().deleteOne({ _id: 1 as never });
  const { differing, documents } = await compareAll(100);
  assert.deepEqual(differing, ['-1', '≠4']);
  assert.equal(documents, 5);
});
