import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { RawCursor } from '../../src/engine/mongodb/raw-cursor.ts';
import { onceAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { soonGone } from '../engine/silent-server.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { nameRouters, type RoutersOfOneName } from './routers-of-one-name.ts';
import { newShop, ordersOf } from './sharded-shop.ts';

const DOCUMENTS = 200;

suite('of several routers behind one DNS name', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let destination: ReplicaSet;
  let named: RoutersOfOneName;

  before(async () => {
    source = resources.use(await startShardedCluster({ routers: 3 }));
    destination = resources.use(await startReplicaSet());
    named = resources.use(await nameRouters(source));
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    for (const proxy of named.proxies) {
      proxy.set({});
      proxy.restore();
    }
    await newShop(source, destination, DOCUMENTS);
  });

  /** Returns the only router that answers and has connections. */
  function used(lost: readonly FaultProxy[] = []): FaultProxy {
    const inUse = named.proxies.filter((proxy) => proxy.connections > 0 && !lost.includes(proxy));
    assert.equal(inUse.length, 1, named.proxies.map(({ connections }) => connections).join());
    return inUse[0] as FaultProxy;
  }

  test('all connections go to one, and to another one when that is lost or falls silent', async () => {
    await using client = await connectCluster(soonGone(named), 'source');
    let failures = 0;
    client.on('serverHeartbeatFailed', () => {
      failures += 1;
    });
    // Cursors that are open at once have a connection each, and with several routers most replies would come from a wrong one.
    const read = async () => {
      const [cursor, { documents }] = await RawCursor.open(client, 'shop', { find: 'orders', batchSize: 20 });
      await using _ = cursor;
      let count = documents.length;
      while (cursor.open) count += (await cursor.next({ batchSize: 20 })).documents.length;
      return count;
    };
    const readAtOnce = (count: number) => Promise.all(Array.from({ length: count }, read));
    assert.deepEqual(await readAtOnce(4), Array(4).fill(DOCUMENTS));
    const first = used();
    await eventually(() => failures > 2, { what: 'failures of the other port of the same name' });
    assert.deepEqual(await readAtOnce(8), Array(8).fill(DOCUMENTS));
    assert.equal(used(), first);
    assert.ok(first.connections > 8, `${first.connections}`);

    const lost: FaultProxy[] = [];
    const lose = async (how: (one: FaultProxy) => void) => {
      const one = used(lost);
      lost.push(one);
      how(one);
      await eventually(read, { what: 'another router to answer' });
      assert.deepEqual(await readAtOnce(8), Array(8).fill(DOCUMENTS));
      used(lost);
    };
    await lose((one) => one.cut());
    await lose((one) => one.set({ blackHole: true }));
    first.restore();
    lost.shift();
    await lose((one) => one.cut());
    assert.equal(used(lost), first);
  });

  test('a migration that loses one of them continues with another one, and waits while there is none', async () => {
    const orders = ordersOf(source);
    using inCopy = onceAt('engine.copy.batch-acknowledged', async () => used().cut());
    await using running = RunningMigration.start({ source: soonGone(named), destination }, { partitionBytes: 4_000 });
    await running.untilReady();
    assert.ok(inCopy.result);
    for (const proxy of named.proxies) proxy.restore();

    const second = used();
    for (const proxy of named.proxies) proxy.cut();
    await running.until('a wait for the source', ({ waiting }) => waiting.some((wait) => wait.for === 'the source'));
    assert.equal(running.progress.readyForCutover, false);
    await orders.updateMany({}, { $inc: { n: 1 } });
    const [third] = named.proxies.filter((proxy) => proxy !== second);
    third?.restore();
    await running.untilReady();
    assert.deepEqual(running.progress.waiting, []);
    assert.equal(used(), third);
    for (const proxy of named.proxies) proxy.restore();

    using underBlock = onceAt('engine.cutover.source-blocked', async () => used().cut());
    await running.commit();
    assert.equal(await running.outcome, 'COMMITTED');
    assert.ok(underBlock.result);
    await expectIdentical({ source, destination });
  });
});
