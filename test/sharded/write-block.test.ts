import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Progress } from '../../src/contract/index.ts';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { NotNow } from '../../src/engine/mongodb/failure-policy.ts';
import { blockShown, tryToBlockWrites, unblockWrites, writesAreBlocked } from '../../src/engine/mongodb/write-block.ts';
import { onceAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { type Order, ordersOf, shardInTwo } from './sharded-shop.ts';

/** Fills `shop.orders` on both shards. */
async function fillOrders(source: ShardedCluster) {
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  await shardInTwo(source, 'shop.orders', { _id: 50 });
  const orders = ordersOf(source);
  await orders.insertMany(identified(100, { n: 1 }));
  return orders;
}

test('a transaction that begins right before the block is waited for, in the same attempt', async () => {
  await using source = await startShardedCluster();
  await using destination = await startReplicaSet();
  const orders = await fillOrders(source);
  await using watching = await connectCluster({ uri: source.uri }, 'source');
  await using running = RunningMigration.start({ source, destination });
  await running.untilReady();
  assert.equal(await writesAreBlocked(watching), false);

  await using session = source.client.startSession();
  // On the second shard, so that the first one has the block for some time, and this one has not.
  using _ = onceAt('engine.cutover.about-to-block', async () => {
    session.startTransaction();
    await orders.updateOne({ _id: 70 }, { $set: { n: 2 } }, { session });
  });
  running.steering.cutOver();
  const isRefused = async () => {
    const error = await orders.updateOne({ _id: 1 }, { $inc: { n: 1 } }).catch((reason: unknown) => reason);
    return /User writes blocked/.test(String(error));
  };
  await eventually(isRefused, { what: 'the first shard to have the block' });
  assert.notEqual(running.progress.state, 'COMMITTED');
  await session.commitTransaction();

  assert.equal(await running.outcome, 'COMMITTED');
  assert.equal(running.progress.cutover?.attempts, 1);
  assert.equal(await writesAreBlocked(watching), true);
  await expectIdentical({ source, destination });
  const written = await destination.client.db('shop').collection<Order>('orders').findOne({ _id: 70 });
  assert.equal(written?.n, 2);
});

test('a block that is being lifted, with one shard open already, does not count as set', async () => {
  await using source = await startShardedCluster();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  const last = source.shards.at(-1)?.client.db('admin');
  await using client = await connectCluster({ uri: source.uri }, 'source');
  assert.ok(await tryToBlockWrites(client, 0));
  assert.equal(await writesAreBlocked(client), true);
  const data = { failCommands: ['_shardsvrSetUserWriteBlockMode'], failInternalCommands: true, errorCode: 11601 };
  await last?.command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data });
  const lifting = source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
  const orders = ordersOf(source);
  const isOpen = async () => (await orders.insertOne({ _id: 1, n: 1 })).acknowledged;
  await eventually(isOpen, { what: 'the first shard to be open' });
  assert.equal(await blockShown(client), 'set');
  assert.equal(await writesAreBlocked(client), false);
  await last?.command({ configureFailPoint: 'failCommand', mode: 'off' });
  await lifting;
  assert.equal(await writesAreBlocked(client), false);
});

test('a lift that found no router for too long is not sent any more', async () => {
  await using source = await startShardedCluster();
  const [router] = source.routers;
  assert.ok(router);
  const uri = `${source.uri}${source.uri.includes('?') ? '&' : '?'}serverSelectionTimeoutMS=600000`;
  await using client = await connectCluster({ uri }, 'source');
  assert.ok(await tryToBlockWrites(client, 0));
  await router.kill();
  const isWaitedFor = async () => {
    const signal = AbortSignal.timeout(500);
    await client
      .db('admin')
      .command({ ping: 1 }, { signal })
      .catch(() => undefined);
    return signal.aborted;
  };
  await eventually(isWaitedFor, { what: 'the client to wait for a router' });
  let failure: unknown;
  void unblockWrites(client).catch((error: unknown) => {
    failure = error;
  });
  await eventually(() => failure, { what: 'the lift to be given up' });
  assert.ok(failure instanceof NotNow);
  await router.restart();
  await eventually(() => client.db('admin').command({ ping: 1 }), { what: 'the router to be found again' });
  assert.equal(await writesAreBlocked(client), true);
});

// id: shard-lost-from-block-on
test('a shard that is lost when the source is being blocked ends the attempt, which names it, and users write once it is back', async () => {
  await using source = await startShardedCluster();
  await using destination = await startReplicaSet();
  await fillOrders(source);
  await using running = RunningMigration.start({ source, destination });
  await running.untilReady();
  const [, lost] = source.shards;
  const [member] = lost?.members ?? [];
  using _ = onceAt('engine.cutover.about-to-block', async () => member?.kill());
  running.steering.cutOver();
  const named = ({ waiting }: Progress) =>
    waiting.some(({ reason }) => reason.includes(`${lost?.name} does not answer`));
  await running.until('the shard to be named', named);
  await member?.restart();
  assert.equal(await running.outcome, 'COMMITTED');
  const [attempt] = running.progress.cutoverAttempts;
  assert.match(attempt?.reason ?? '', new RegExp(`${lost?.name} does not answer`));
  await expectIdentical({ source, destination });
});
