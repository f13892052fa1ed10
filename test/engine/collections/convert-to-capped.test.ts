import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'any rename stops its migration');

// id: converted-during-copy
test('a collection that was copied while convertToCapped filled it is copied again', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  const text = 'x'.repeat(200);
  await db.collection('c').insertMany(numbered(20_000, { text }));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  let begun = 0;
  using _ = onFailpoint('engine.copy.before-first-read', async () => {
    begun += 1;
  });
  await db.command({ convertToCapped: 'c', size: 60_000_000 });
  await running.until('the copy and the repeated copy', () => begun === 2);
  await running.untilReady();
  await expectIdentical(pair);
});
