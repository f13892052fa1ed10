import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { EngineLives } from '../campaign/engine-lives.ts';
import { RoundLog } from '../campaign/round-log.ts';
import { WriterLoop } from '../campaign/writer-loop.ts';
import { ChunkMover } from '../support/chunk-mover.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { expectHookReached } from '../support/linkspan-process.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { startSync } from '../support/sync-process.ts';
import { newShop, ordersOf } from './sharded-shop.ts';

const DOCUMENTS = 200;

/** Without these, moves and writes take all of a small machine's time. */
const BETWEEN_MOVES_MS = 150;
const WRITE_EVERY_MS = 30;

/** Each in another process. */
const KILLED_AT = ['engine.apply.batch-acknowledged', 'engine.cutover.committed'];

suite('the engine of a sharded source that is killed', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let destination: ReplicaSet;

  before(async () => {
    source = resources.use(await startShardedCluster());
    destination = resources.use(await startReplicaSet());
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    await newShop(source, destination, DOCUMENTS);
  });

  /** Tries both shards. */
  const expectBlocked = async () => {
    for (const _id of [DOCUMENTS * 10, -DOCUMENTS * 10])
      await assert.rejects(ordersOf(source).insertOne({ _id, n: 0 }), /User writes blocked/);
  };

  test('while chunks move and users write, and once it has committed, loses nothing', async () => {
    const orders = ordersOf(source);
    await using moving = new ChunkMover(source.client, ['shop.orders'], BETWEEN_MOVES_MS);
    let written = 0;
    const writing = new WriterLoop(async () => {
      written += 1;
      for (const _id of [DOCUMENTS + written, -written]) await orders.insertOne({ _id, n: written });
      await orders.updateOne({ _id: written % DOCUMENTS }, { $inc: { n: 1 } });
      await orders.deleteOne({ _id: DOCUMENTS + written - 3 });
    }, WRITE_EVERY_MS);
    await using _ = { [Symbol.asyncDispose]: () => writing.stop() };

    const log = new RoundLog(false);
    const hooks = KILLED_AT.map((point) => `${point}=kill`);
    const addresses = { source: source.uri, destination: destination.uri };
    await using engine = new EngineLives(addresses, { hooks, catalogStandsStill: false }, log);
    const end = engine.run();
    end.catch(() => undefined); // Awaited below, unless the test has failed before.
    await eventually(() => engine.hooksLeft.length === 0, { what: 'the first kill' });
    await writing.stop();
    assert.ok(writing.accepted > 0);
    engine.wantCutover();
    assert.equal(await end, 'committed', log.findings.join('\n'));
    assert.deepEqual([engine.unreached, log.findings], [[], []]);
    await moving.stop();
    assert.ok(moving.moves > 0, String(moving.lastError));
    await expectIdentical({ source, destination });
    await expectBlocked();
  });

  test('under the block has its source opened by the watchdog, and a next engine commits', async () => {
    const uris = { source: source.uri, destination: destination.uri };
    await using killed = await startSync(uris, [], { hook: 'engine.cutover.drained=kill' });
    await eventually(async () => (await killed.progress()).canCommit, { what: 'readiness' });
    killed.call('commit').catch(() => undefined); // It is killed meanwhile.
    await expectHookReached(killed.linkspan);
    for (const _id of [DOCUMENTS * 2, -1])
      await eventually(() => ordersOf(source).insertOne({ _id, n: 0 }), { what: 'each shard to take writes' });

    await using next = await startSync(uris);
    await eventually(async () => (await next.progress()).canCommit, { what: 'readiness' });
    await next.call('commit');
    await eventually(async () => (await next.progress()).state === 'COMMITTED', { what: 'the commit' });
    await expectIdentical({ source, destination });
    await expectBlocked();
  });
});
