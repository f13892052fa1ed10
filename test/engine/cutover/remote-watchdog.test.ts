import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Claim } from '../../../src/engine/cutover/block-history.ts';
import { RemoteWatchdog } from '../../../src/engine/cutover/remote-watchdog.ts';
import { announceCommit, endClaim, stakeClaim } from '../../../src/engine/cutover/source-claim.ts';
import {
  blockShown,
  MOST_BLOCK_LIMIT_MS,
  tryToBlockWrites,
  unblockWrites,
} from '../../../src/engine/mongodb/write-block.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { StandingClock } from '../standing-clock.ts';

describe('a standby that can read the source, and not the destination', {
  skip: needsSource('6.0', 'it has no write block'),
}, () => {
  let source: ReplicaSet;
  before(async () => {
    source = await startReplicaSet();
  });
  after(() => source[Symbol.asyncDispose]());
  afterEach(() => unblockWrites(source.client));

  /** Blocks the source as an engine of the migration does. */
  async function block(migrationId: string): Promise<Claim> {
    const claim = { id: newId(), migrationId, term: 1 };
    await stakeClaim(source.client, claim);
    assert.ok(await tryToBlockWrites(source.client, MOST_BLOCK_LIMIT_MS));
    return claim;
  }

  function watch({ isLeading = false, uri = source.uri, logger = silentLogger } = {}) {
    const clock = new StandingClock(1);
    const migrationId = newId();
    const watched = { source: { uri }, migrationIds: [newId(), migrationId] };
    const watchdog = new RemoteWatchdog(watched, { clock, logger });
    const stop = new AbortController();
    const running = watchdog.run(stop.signal, () => isLeading);
    return {
      migrationId,
      clock,
      leaseRead: () => watchdog.leaseRead(),
      pass: (seconds: number) => clock.pass(seconds * 1_000),
      async [Symbol.asyncDispose]() {
        stop.abort();
        await running;
      },
    };
  }

  const isBlocked = async () => (await blockShown(source.client)) === 'set';

  test('opens the source after 20 s, and an engine that lives nonetheless can commit nothing', async () => {
    await using watched = watch();
    const claim = await block(watched.migrationId);
    for (const seconds of [10, 8]) await watched.pass(seconds);
    assert.equal(await isBlocked(), true);
    await watched.pass(2);
    assert.equal(await isBlocked(), false);
    assert.equal(await announceCommit(source.client, claim), 'lost');
  });

  test('leaves a block alone that has not lasted for 10 s', async () => {
    await using watched = watch();
    await watched.pass(30);
    const first = await block(watched.migrationId);
    for (const seconds of [2, 8]) await watched.pass(seconds);
    await unblockWrites(source.client);
    await endClaim(source.client, 'released', first);
    await block(watched.migrationId);
    for (const seconds of [2, 8]) await watched.pass(seconds);
    assert.equal(await isBlocked(), true);
    await watched.pass(2);
    assert.equal(await isBlocked(), false);
  });

  test('leaves a block whose commit was announced, and that of another migration', async () => {
    await using watched = watch();
    const claim = await block(watched.migrationId);
    assert.equal(await announceCommit(source.client, claim), 'confirmed');
    for (const seconds of [20, 20, 20]) await watched.pass(seconds);
    assert.equal(await isBlocked(), true);
    await unblockWrites(source.client);
    await block(newId());
    for (const seconds of [20, 20, 20]) await watched.pass(seconds);
    assert.equal(await isBlocked(), true);
  });

  test('does not report a source as opened whose commit is announced while it is about to open it', async () => {
    await using proxy = await startFaultProxy((await source.primary()).port);
    const uri = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`;
    const opened: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void opened.push(fields) };
    await using watched = watch({ uri, logger });
    const claim = await block(watched.migrationId);
    for (const seconds of [10, 8]) await watched.pass(seconds);
    let announced: Promise<unknown> | undefined;
    let reads = 0;
    watched.clock.elapsed = () => {
      reads += 1;
      // It has read the claim, and its next connection has to wait.
      if (reads === 2) {
        proxy.set({ blackHole: true });
        announced = announceCommit(source.client, claim).finally(() => proxy.set({}));
      }
      return 20_000;
    };
    await watched.pass(2);
    assert.equal(await announced, 'confirmed');
    assert.equal(await isBlocked(), true);
    assert.deepEqual(opened, []);
  });

  test('leaves the source to a standby that can read the destination, and to its own engine', async () => {
    await using reading = watch();
    await using leading = watch({ isLeading: true });
    for (const watched of [reading, leading]) {
      await block(watched.migrationId);
      for (const seconds of [9, 9, 9, 9]) {
        if (watched === reading) watched.leaseRead();
        await watched.pass(seconds);
      }
      assert.equal(await isBlocked(), true);
      await unblockWrites(source.client);
    }
  });
});
