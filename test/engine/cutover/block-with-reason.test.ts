import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type FailCommand, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** As 8.0.13 and newer refuse to set and to lift a block that has another reason. */
const ILLEGAL_OPERATION = 20;
const REASON = /set for another reason/;

// id: block-with-reason
test('a write block with another reason is waited for, to set it and to lift it (its code by a failpoint of a real server)', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(10));
  const refuse = (side: 'source' | 'destination', mode: FailCommand['mode']) =>
    pair[side].failCommand({
      mode,
      data: { failCommands: ['setUserWriteBlockMode'], errorCode: ILLEGAL_OPERATION, appName: `linkspan-${side}` },
    });
  await using running = RunningMigration.start(pair);
  const waitsForBlock = () =>
    running.until('a wait for the block', ({ waiting }) => waiting.some(({ reason }) => REASON.test(reason)));
  await running.untilReady();
  {
    let aborting: Promise<void> | undefined;
    using _ = onceAt('engine.cutover.source-blocked', async () => {
      await refuse('source', 'alwaysOn');
      aborting = running.steering.abortCutover();
    });
    running.steering.cutOver();
    await waitsForBlock();
    await pair.source.clearFailPoints();
    await aborting;
    await items.insertOne({ n: 10 });
  }
  await refuse('source', { times: 1 });
  await refuse('destination', 'alwaysOn');
  running.steering.cutOver();
  await waitsForBlock();
  await pair.destination.clearFailPoints();
  await running.outcome;
  assert.ok(running.progress.cutoverAttempts.some(({ reason = '' }) => REASON.test(reason)));
  await expectIdentical(pair);
});
