import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** Three batches of the copy. */
const DOCUMENTS = 120;
const FILLER = Buffer.alloc(100_000);
const CURSOR_NOT_FOUND = 43;

// id: capped-counted-once
test('a capped collection that is read again from its beginning counts each document once', async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  const log = await shop.createCollection('log', { capped: true, size: 100_000_000 });
  await log.insertMany(numbered(DOCUMENTS, { filler: FILLER }));
  const data = { failCommands: ['getMore'], namespace: 'shop.log', errorCode: CURSOR_NOT_FOUND };
  using lost = onceAt('engine.copy.batch-acknowledged', () => pair.source.failCommand({ mode: { times: 1 }, data }));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  assert.ok(lost.result !== undefined, 'a batch was copied before the cursor was lost');
  assert.equal(running.progress.copy.documentsCopied, DOCUMENTS);
  assert.equal(running.progress.copy.documentsTotal, DOCUMENTS);
  await running.commit();
  await expectIdentical(pair);
});
