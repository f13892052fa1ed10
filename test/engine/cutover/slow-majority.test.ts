import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { compareClusters } from '../../support/compare-clusters.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

// id: slow-majority-block
test('a source gets as long to set its write block as its majority needs, and is not blocked when that is too long', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { members: 3, proxied: true } });
  await using direct = pair.source.clientOf(await pair.source.primary());
  const items = direct.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  let attempts = 0;
  using _ = onFailpoint('engine.cutover.about-to-block', async () => {
    attempts += 1;
  });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const slow = { failCommands: ['appendOplogNote'], blockConnection: true, blockTimeMS: 1_700 };
  await pair.source.failCommand({ mode: 'alwaysOn', data: slow });
  running.steering.cutOver();
  await running.until('the reason', ({ waiting }) =>
    waiting.some(({ reason }) => /the source takes \d+ ms to acknowledge a write with majority/.test(reason)),
  );
  assert.equal(attempts, 0);
  await items.insertOne({ while: 'it waits' });
  await pair.source.clearFailPoints();
  for (const proxy of pair.source.proxies) proxy.set({ latencyMs: 100 });
  assert.equal(await running.outcome, 'COMMITTED');
  assert.equal(attempts, 1);
  assert.equal(running.progress.cutover?.attempts, 1);
  assert.deepEqual((await compareClusters(direct, pair.destination.client)).differences, []);
});
