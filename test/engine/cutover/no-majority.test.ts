import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAbandonedSource } from '../../../src/engine/cutover/open-abandoned-source.ts';
import { announceCommit, liftBlock, stakeClaim } from '../../../src/engine/cutover/source-claim.ts';
import { tryToBlockWrites, unblockWrites, writesAreBlocked } from '../../../src/engine/mongodb/write-block.ts';
import { newId, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { isolatePrimary } from '../../support/lagging-member.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair, startReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');
const ENOUGH_MS = 5_000;
const NOT_CONFIRMED = /a majority of its members may not have the end of its write block yet/;

// id: no-majority-in-pause
test('a source that loses its majority in the write pause is open when the attempt ends, and the engine says what it waits for', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { members: 3 } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using isolated = onceAt('engine.cutover.source-blocked', () => isolatePrimary(pair.source));
  const began = performance.now();
  running.steering.cutOver();
  await eventually(() => isolated.result, { what: 'the write pause' });
  const replication = (await isolated.result) as AsyncDisposable;
  const aborted = running.steering.abortCutover();
  await eventually(async () => (await writesAreBlocked(pair.source.client)) === false, { what: 'an open source' });
  await items.insertOne({ n: 2 }, { writeConcern: { w: 1 } });
  await running.until('the reason', ({ waiting }) => waiting.some(({ reason }) => NOT_CONFIRMED.test(reason)));
  const waitedMs = performance.now() - began;
  await replication[Symbol.asyncDispose]();
  await aborted;
  const [attempt] = running.progress.cutoverAttempts;
  assert.equal(attempt?.result, 'ABORTED');
  assert.ok((attempt.stoppedMs ?? Infinity) <= waitedMs, `${attempt.stoppedMs} of ${waitedMs} ms`);
  await running.commit();
  await expectIdentical(pair);
});

// id: watchdog-without-majority
test('a source without a majority is opened for an engine that is gone, unless it may have committed', {
  skip,
}, async () => {
  await using source = await startReplicaSet({ members: 3 });
  const { client } = source;
  const claim = { id: newId(), migrationId: newId(), term: 1 };
  const destination = { uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50' };
  const act = (signal: AbortSignal) => openAbandonedSource({ claim, source: { uri: source.uri }, destination }, signal);

  await stakeClaim(client, claim);
  assert.ok(await tryToBlockWrites(client, ENOUGH_MS));
  assert.equal(await announceCommit(client, claim), 'confirmed');
  {
    await using _ = await isolatePrimary(source);
    await assert.rejects(act(AbortSignal.timeout(ENOUGH_MS)), /the destination has to decide/);
    assert.equal(await writesAreBlocked(client), true);
  }
  await liftBlock(client, claim, { uncommitted: true, clock: systemClock });

  claim.id = newId();
  await stakeClaim(client, claim);
  assert.ok(await tryToBlockWrites(client, ENOUGH_MS));
  let opened: Promise<boolean>;
  {
    await using _ = await isolatePrimary(source);
    opened = act(new AbortController().signal);
    await eventually(async () => (await writesAreBlocked(client)) === false, { what: 'an open source' });
  }
  assert.equal(await opened, true);
});

// id: lift-waits-for-majority
test('a lift that waits for the majority says so, and users of the primary can write', { skip }, async () => {
  await using destination = await startReplicaSet({ members: 3 });
  const { client } = destination;
  assert.ok(await tryToBlockWrites(client, ENOUGH_MS));
  {
    await using _ = await isolatePrimary(destination);
    await assert.rejects(unblockWrites(client), NOT_CONFIRMED);
    await client
      .db('shop')
      .collection('items')
      .insertOne({ n: 1 }, { writeConcern: { w: 1 } });
  }
  await unblockWrites(client);
});

// id: lift-lost-in-election
test('a primary that was elected without the lift of the block is opened, too', { skip }, async () => {
  await using source = await startReplicaSet({ members: 3 });
  const claim = { id: newId(), migrationId: newId(), term: 1 };
  await stakeClaim(source.client, claim);
  assert.ok(await tryToBlockWrites(source.client, ENOUGH_MS));
  const former = await source.primary();
  const lift = () => liftBlock(source.client, claim, { uncommitted: true, clock: systemClock });
  const isolated = await isolatePrimary(source);
  using killed = onceAt('engine.cutover.opened', async () => {
    await former.kill();
    await isolated[Symbol.asyncDispose]();
  });
  const isLifted = () =>
    lift().then(
      () => true,
      () => false,
    );
  await eventually(isLifted, { what: 'the lift' });
  assert.ok(killed.result !== undefined);
  assert.equal(await writesAreBlocked(source.client), false);
});
