import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { RawCursor } from '../../src/engine/mongodb/raw-cursor.ts';
import { eventually } from '../support/eventually.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';

test('cursors stay with one of two routers, and another one takes over when that is lost', async () => {
  await using source = await startShardedCluster({ routers: 2 });
  await source.client.db('shop').collection<{ _id: number }>('orders').insertMany(identified(40));
  await using client = await connectCluster({ uri: source.uri }, 'source');
  // Each document is a reply of its own: with both routers in use, one of 40 requests would go to the wrong one.
  const read = async () => {
    const [cursor, { documents }] = await RawCursor.open(client, 'shop', { find: 'orders', batchSize: 1 });
    await using _ = cursor;
    let count = documents.length;
    while (cursor.open) count += (await cursor.next({ batchSize: 1 })).documents.length;
    return count;
  };
  assert.equal(await read(), 40);
  for (const router of source.routers) {
    await router.kill();
    const readsAgain = async () => (await read().catch(() => 0)) === 40;
    await eventually(readsAgain, { what: 'the other router to answer' });
    await router.restart();
  }
});
