import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotNow } from '../../../src/engine/mongodb/failure-policy.ts';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
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
    .collection<{ _id: string; cutover?: { blocking: boolean } }>('migrations');
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
  using _ = onFailpoint('engine.cutover.about-to-open', async () => {
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
    using _ = onFailpoint('engine.destination.taken', async () => void stopped.stop());
    assert.equal(await stopped.outcome, 'STOPPED');
  }
  await using last = RunningMigration.start(pair, { migrationId });
  await last.untilReady();
  assert.equal(await app.canWrite(), true);
});
