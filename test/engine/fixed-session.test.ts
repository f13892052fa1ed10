import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedSession } from '../../src/engine/cluster/fixed-session.ts';
import { startReplicaSet } from '../support/replica-set.ts';

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
