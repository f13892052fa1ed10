import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedSession } from '../../../src/engine/mongodb/fixed-session.ts';
import { startReplicaSet } from '../../support/replica-set.ts';

test('a session of our own numbers its writes, and a server refuses lower numbers from anybody', async () => {
  await using set = await startReplicaSet();
  const id = Buffer.alloc(16, 7);
  const insert = (_id: number) => ({ insert: 'c', documents: [{ _id }], writeConcern: { w: 'majority' } });
  const early = new FixedSession(set.client, id, 1n << 32n);
  const late = new FixedSession(set.client, id, 2n << 32n);
  assert.equal((await early.send('d', insert(1))).n, 1);
  assert.equal((await early.send('d', insert(2))).n, 1, 'each command has a number of its own: none is taken for done');
  assert.equal((await late.send('d', insert(3))).n, 1);
  await assert.rejects(early.send('d', insert(4)), { code: 225 });
  await set.stepDown();
  await assert.rejects(early.send('d', insert(4)), { code: 225 }, 'after an election, too');
  const ids = await set.client.db('d').collection('c').distinct('_id');
  assert.deepEqual(ids, [1, 2, 3]);
});

test('a transaction has a number like any write, and is done whole or not at all', async () => {
  await using set = await startReplicaSet();
  const id = Buffer.alloc(16, 7);
  const session = new FixedSession(set.client, id, 1n << 32n);
  const collection = set.client.db('d').collection<{ _id: number; n?: number }>('c');
  await collection.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  await collection.createIndex({ n: 1 }, { unique: true, sparse: true });
  const drop = (_id: number) => ({ delete: 'c', deletes: [{ q: { _id }, limit: 1 }] });
  const put = (_id: number, n: number) => ({ update: 'c', updates: [{ q: { _id }, u: { _id, n }, upsert: true }] });
  const state = () => collection.find().sort({ _id: 1 }).toArray();
  const nothing = async () => undefined;

  const replies = await session.sendTogether('d', [drop(1), put(2, 20)], nothing);
  assert.deepEqual(
    replies.map(({ n }) => n),
    [1, 1],
  );
  await assert.rejects(session.sendTogether('d', [drop(2), put(3, 30), put(4, 30)], nothing), { code: 11_000 });
  assert.deepEqual(await state(), [{ _id: 2, n: 20 }, { _id: 3 }], 'nothing of the one that was refused');
  await set.failCommand({ mode: { times: 1 }, data: { failCommands: ['commitTransaction'], errorCode: 11_601 } });
  await assert.rejects(session.sendTogether('d', [put(3, 30)], nothing), { code: 11_601 });
  const others = { update: 'c', updates: [{ q: { _id: 3 }, u: { $set: { n: 3 } } }], maxTimeMS: 5_000 };
  assert.equal((await set.client.db('d').command(others)).n, 1, 'it holds nothing, before a later write ends it');
  assert.equal((await session.send('d', put(5, 50))).n, 1, 'the session continues');

  const successor = new FixedSession(set.client, id, 2n << 32n);
  const late = session.sendTogether('d', [drop(2), put(6, 60)], async () => {
    await successor.send('d', put(7, 70));
  });
  await assert.rejects(late, { code: 225 });
  await assert.rejects(session.sendTogether('d', [drop(2)], nothing), { code: 225 });
  assert.deepEqual(await state(), [
    { _id: 2, n: 20 },
    { _id: 3, n: 3 },
    { _id: 5, n: 50 },
    { _id: 7, n: 70 },
  ]);
});
