import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listLeftovers } from '../../../src/engine/index.ts';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

test('the failure of an earlier run', async (t) => {
  await using pair = await startPair();
  const records = pair.destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');

  for (const [when, place] of [
    ['during the copy', 'engine.copy.collection-copied'],
    ['in the write pause', 'engine.cutover.source-blocked'],
    ['past the point of no return', 'engine.cutover.committed'],
  ] as const) {
    const skip = place === 'engine.cutover.source-blocked' && needsSource('6.0', 'it has no write block');
    await t.test(
      `${when} is reported by no run that resumes, and never once the migration is committed`,
      { skip },
      async () => {
        const migrationId = newId();
        await begin(pair);
        await failAt(place, pair, migrationId);
        const [left] = await listLeftovers(pair.destination, migrationId);
        assert.match(left?.error ?? '', /INTERNAL_ERROR/);

        await using running = RunningMigration.start(pair, { migrationId });
        if (place !== 'engine.cutover.committed') {
          await running.untilReady();
          const { error, cutover } = running.progress;
          assert.deepEqual({ error, cutover }, { error: undefined, cutover: undefined });
          running.steering.cutOver();
        }
        assert.equal(await running.outcome, 'COMMITTED');
        assert.equal(running.progress.error, undefined);
        assert.equal((await listLeftovers(pair.destination, migrationId))[0]?.error, undefined);
        assert.equal(await records.countDocuments({ _id: migrationId, error: { $exists: true } }), 0);
        await expectIdentical(pair);
      },
    );
  }

  await t.test('is not reported of a migration that was cancelled after it', async () => {
    const migrationId = newId();
    await begin(pair);
    await failAt('engine.copy.collection-copied', pair, migrationId);
    await using running = RunningMigration.start(pair, { migrationId });
    await running.steering.cancel(false);
    assert.equal(await running.outcome, 'CANCELLED');
    assert.equal(await records.countDocuments({ _id: migrationId, error: { $exists: true } }), 1);
    assert.equal(running.progress.error, undefined);
    assert.equal((await listLeftovers(pair.destination, migrationId))[0]?.error, undefined);
  });
});

/** Empties both sides and fills the source. */
async function begin(pair: ReplicaSetPair): Promise<void> {
  await emptyPair(pair);
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
}

async function failAt(place: string, pair: ReplicaSetPair, migrationId: string): Promise<void> {
  using _ = onFailpoint(place, () => {
    throw new Error('it fails here');
  });
  await using running = RunningMigration.start(pair, { migrationId });
  if (place !== 'engine.copy.collection-copied') {
    await running.untilReady();
    running.steering.cutOver();
  }
  await assert.rejects(running.outcome, { code: 'INTERNAL_ERROR' });
  assert.equal(running.progress.error?.code, 'INTERNAL_ERROR');
}
