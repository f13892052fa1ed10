import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stakeClaim } from '../../../src/engine/cutover/source-claim.ts';
import { openExamined } from '../../../src/engine/index.ts';
import { NotNow } from '../../../src/engine/mongodb/failure-policy.ts';
import { newId, onReach } from '../../../src/platform/index.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { interruptCutover } from '../interrupted-cutover.ts';
import { RunningMigration } from '../running-migration.ts';
import { SideWriter } from './side-writer.ts';

const skip = needsSource('6.0', 'it has no write block');

/** Runs a migration until it is ready, and interrupts its cutover; `holding` is the claim that holds the block. */
async function interrupt(pair: ReplicaSetPair, migrationId: string, holding?: string): Promise<void> {
  await using first = RunningMigration.start(pair, { migrationId });
  await first.untilReady();
  await first.stop();
  await interruptCutover(pair, migrationId, holding);
}

function recordsOf({ destination }: ReplicaSetPair) {
  return destination.client
    .db('linkspan_internal')
    .collection<{ _id: string; term: number; cutover?: { blocking: boolean; openedBy?: string } }>('migrations');
}

// id: stopped-while-opening-source
test('an engine that is stopped while it opens the source after an interrupted cutover opens it before it ends', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await using app = await SideWriter.start(pair.source, 'source');
  const migrationId = newId();
  await interrupt(pair, migrationId);
  assert.equal(await app.canWrite(), false);
  await using second = RunningMigration.start(pair, { migrationId });
  const stopped = Promise.withResolvers<unknown>();
  let attempts = 0;
  using _ = onReach('engine.cutover.about-to-open', async () => {
    attempts += 1;
    if (attempts > 1) return;
    stopped.resolve(second.stop());
    throw new NotNow('the source does not answer');
  });
  assert.equal(await stopped.promise, 'STOPPED');
  assert.equal(await app.canWrite(), true);
  assert.equal((await recordsOf(pair).findOne({ _id: migrationId }))?.cutover?.blocking, false);
});

// id: stopped-before-opening-source
test('an engine that is stopped before it opens the source for one that was lost doing so leaves that to the next', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await using app = await SideWriter.start(pair.source, 'source');
  const migrationId = newId();
  await interrupt(pair, migrationId, 'lost as well');
  await using stopped = RunningMigration.start(pair, { migrationId });
  {
    using _ = onReach('engine.destination.taken', async () => void stopped.stop());
    assert.equal(await stopped.outcome, 'STOPPED');
  }
  await using last = RunningMigration.start(pair, { migrationId });
  await last.untilReady();
  assert.equal(await app.canWrite(), true);
});

// id: source-of-older-version
test('a source that 0.2.0 has left blocked is opened by the version that refuses its migration, which changes no more', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await using app = await SideWriter.start(pair.source, 'source');
  const migrationId = newId();
  await interrupt(pair, migrationId);
  const records = recordsOf(pair);
  const cutover = { requestedAtMs: 1, blocking: true, committed: false, claim: 'lost' };
  const left = await records.findOne({ _id: migrationId });
  assert.ok(left);
  const older = { ...left, schema: 2, cutover };
  const refuse = async () => {
    await using refused = RunningMigration.start(pair, { migrationId });
    await assert.rejects(refused.outcome, { code: 'CHECKPOINT_OF_OTHER_VERSION' });
    return refused.migration.current.options;
  };
  const running = { engine: { host: 'another', pid: 1, place: 'another', startedAtMs: 1 }, savedAt: new Date() };
  for (const stays of [
    { cutover: { ...cutover, committed: true } },
    { cutover: { ...cutover, blocking: false } },
    running,
    { sourceId: 'another' },
    { retiredBy: 'another' },
    { schema: 99 },
  ]) {
    await records.replaceOne({ _id: migrationId }, { ...older, ...stays });
    await refuse();
    assert.equal(await app.canWrite(), false, JSON.stringify(stays));
  }
  await records.replaceOne({ _id: migrationId }, older);
  const options = await refuse();
  assert.equal(await app.canWrite(), true);
  const { openedBy: _, ...opened } = (await records.findOne({ _id: migrationId }))?.cutover ?? {};
  assert.deepEqual(opened, { ...cutover, blocking: false });

  // A program that begins with the preflight runs no migration then.
  await stakeClaim(pair.source.client, { id: 'lost', migrationId, term: older.term });
  await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
  await records.replaceOne({ _id: migrationId }, { ...older, ...running });
  assert.equal((await openExamined({ ...options, takeOver: true })).isRefused, true);
  assert.equal(await app.canWrite(), true);
});
