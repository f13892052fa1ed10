import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoServerError } from 'mongodb';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { runInBackground } from './background.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

const TELLERS = 3;
const RETRIED = ['TransientTransactionError', 'UnknownTransactionCommitResult'];

test('a cutover in the middle of transactions over two shards takes each of them as a whole', async () => {
  await using source = await startShardedCluster();
  await using destination = await startReplicaSet();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  await shardInTwo(source, 'shop.orders', { _id: 50 });
  const accounts = ordersOf(source);
  await accounts.insertMany(identified(100, { n: 0 }));
  await using running = RunningMigration.start({ source, destination });
  await running.untilReady();

  const transfer = async (teller: number) => {
    await using session = source.client.startSession();
    session.startTransaction();
    await accounts.updateOne({ _id: teller }, { $inc: { n: 1 } }, { session });
    await accounts.updateOne({ _id: 99 - teller }, { $inc: { n: -1 } }, { session });
    await session.commitTransaction();
  };
  const acknowledged = { transfers: 0 };
  await using resources = new AsyncDisposableStack();
  const tellers = Array.from({ length: TELLERS }, (_, teller) =>
    resources.use(
      runInBackground(async () => {
        try {
          await transfer(teller);
          acknowledged.transfers += 1;
        } catch (error) {
          // No one knows the result of a commit without an answer; both sides must agree. The server aborts a transaction that waits for the block.
          if (!(error instanceof MongoServerError && RETRIED.some((label) => error.hasErrorLabel(label)))) throw error;
        }
      }),
    ),
  );
  await eventually(() => acknowledged.transfers >= 5 * TELLERS, { what: 'some transfers' });
  // A busy machine may let the lag grow meanwhile.
  await running.untilReady();
  running.steering.cutOver();
  assert.equal(await running.outcome, 'COMMITTED');
  for (const teller of tellers) assert.match(String(await teller.ended), /User writes blocked/);
  await expectIdentical({ source, destination });
  const copied = await destination.client.db('shop').collection<{ _id: number; n: number }>('orders').find().toArray();
  const sumOf = (wanted: (n: number) => boolean) =>
    copied.filter(({ n }) => wanted(n)).reduce((sum, { n }) => sum + n, 0);
  assert.equal(
    sumOf((n) => n > 0),
    -sumOf((n) => n < 0),
  );
  assert.ok(sumOf((n) => n > 0) >= acknowledged.transfers);
});
