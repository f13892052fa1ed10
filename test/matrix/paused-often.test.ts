import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startLedgerWriter } from '../support/ledger-writer.ts';
import { startPair } from '../support/replica-set.ts';

checkForLeaks();

const TIMES = 200;
const DOCUMENTS = 2_000;
/** Keeps the copy from ending before it was paused often enough. */
const SLOW = 50_000;

test('a migration that is paused and resumed 200 times under writes, in its copy and after it, loses nothing and leaves nothing behind', async () => {
  await using pair = await startPair();
  const { client } = pair.source;
  const text = 'x'.repeat(1_000);
  await client
    .db('shop')
    .collection('items')
    .insertMany(Array.from({ length: DOCUMENTS }, (_, n) => ({ n, text })));
  await using writer = await startLedgerWriter({ clients: [client], namespaces: ['shop.items'], ratePerSecond: 50 });
  await using running = RunningMigration.start(pair, { copyBytesPerSecond: SLOW, partitionBytes: SLOW });
  const pausedIn = new Map<string, number>();
  for (let time = 0; time < TIMES; time += 1) {
    if (time === TIMES / 2) {
      running.steering.limit({ copyBytesPerSecond: null });
      await running.untilReady();
    }
    const { state } = running.progress;
    pausedIn.set(state, (pausedIn.get(state) ?? 0) + 1);
    running.steering.pause();
    await eventually(() => running.progress.state === 'PAUSED', { what: 'the pause', pollMs: 20 });
    running.steering.resume();
    await eventually(() => running.progress.state !== 'PAUSED', { what: 'the end of the pause', pollMs: 20 });
  }
  await writer.stop();
  await running.commit();
  await expectIdentical(pair);
  assert.ok((pausedIn.get('COPYING') ?? 0) > TIMES / 4);
  assert.equal(pausedIn.get('FOLLOWING'), TIMES / 2);
});
