import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Claim } from '../../src/engine/cutover/block-history.ts';
import { announceCommit, endClaim, stakeClaim } from '../../src/engine/cutover/source-claim.ts';
import {
  blockShown,
  MOST_BLOCK_LIMIT_MS,
  tryToBlockWrites,
  unblockWrites,
} from '../../src/engine/mongodb/write-block.ts';
import { type Clock, newId, silentLogger, systemClock } from '../../src/platform/index.ts';
import { DIRECTIONS, idOf, type Readers } from '../../src/sync/recorded-migrations.ts';
import { RemoteWatchdog } from '../../src/sync/remote-watchdog.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';

/** Nothing listens there. */
const LOST = 'mongodb://127.0.0.1:1/?replicaSet=lost&serverSelectionTimeoutMS=50';
const SLEEPERS = DIRECTIONS.length;

/** A clock that stands still between two calls of `pass`. */
class StandingClock implements Clock {
  readonly now = systemClock.now;
  readonly timeout = systemClock.timeout;
  #elapsedMs = 0;
  #sleeping: (() => void)[] = [];
  #allAsleep = Promise.withResolvers<void>();

  elapsed(): number {
    return this.#elapsedMs;
  }

  async sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#sleeping.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
      if (this.#sleeping.length === SLEEPERS) this.#allAsleep.resolve();
    });
  }

  /** Lets seconds pass, and one look in each direction at their end. */
  async pass(seconds: number): Promise<void> {
    await this.#allAsleep.promise;
    const woken = this.#sleeping;
    this.#sleeping = [];
    this.#allAsleep = Promise.withResolvers();
    this.#elapsedMs += seconds * 1_000;
    for (const wake of woken) wake();
    await this.#allAsleep.promise;
  }
}

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

  function watch({ isLeading = false } = {}) {
    const uris = { cluster0: source.uri, cluster1: LOST };
    const clock = new StandingClock();
    const watchdog = new RemoteWatchdog(uris, { clock, logger: silentLogger });
    const stop = new AbortController();
    const running = watchdog.run(() => isLeading, stop.signal);
    const [forward] = DIRECTIONS;
    assert.ok(forward);
    return {
      migrationId: idOf(uris, forward),
      pass: (seconds: number) => clock.pass(seconds),
      told: (readers: Readers) => watchdog.told(readers),
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

  test('leaves the source to a standby that can read the destination, and to its own engine', async () => {
    await using reading = watch();
    const reader = { read: async () => undefined };
    const { cluster1 } = reading.told({ cluster0: reader, cluster1: reader });
    await using leading = watch({ isLeading: true });
    await block(reading.migrationId);
    for (const seconds of [9, 9, 9, 9]) {
      await cluster1.read('');
      await reading.pass(seconds);
      await leading.pass(seconds);
    }
    assert.equal(await isBlocked(), true);
  });
});
