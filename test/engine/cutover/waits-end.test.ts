import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');
const MAX_TIME_EXPIRED = 50;

/** Makes commands of the engine to one side fail until the fail points are cleared, as if that side didn't answer. */
async function silence(side: ReplicaSet, of: 'source' | 'destination', failCommands: readonly string[]): Promise<void> {
  const data = { failCommands, errorCode: MAX_TIME_EXPIRED, appName: `linkspan-${of}` };
  await side.failCommand({ mode: 'alwaysOn', data });
}

test('a cutover of a part of a cluster that is aborted in its last step continues following', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(10));
  await using running = RunningMigration.start(pair, { filters: { include: [{ database: 'shop' }] } });
  await running.untilReady();
  using silent = onceAt('engine.cutover.drained', () => silence(pair.destination, 'destination', ['listCollections']));
  running.steering.cutOver();
  await running.until('the wait', ({ waiting }) => waiting.some(({ for: side }) => side === 'the destination'));
  assert.ok(silent.result !== undefined);
  await running.steering.abortCutover();
  await pair.destination.clearFailPoints();
  await items.insertOne({ n: 'after the abort' });
  const there = pair.destination.client.db('shop').collection('items');
  await eventually(async () => (await there.countDocuments()) === 11, { what: 'the change after the abort' });
  await running.commit();
  await expectIdentical(pair);
});

// id: cancelled-during-check
test('a migration is cancelled although its source is lost while a cutover checks it', { skip }, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await silence(pair.source, 'source', ['listCollections']);
  running.steering.cutOver();
  await running.until('the wait', ({ waiting }) => waiting.some(({ for: side }) => side === 'the source'));
  await running.steering.cancel(false);
  assert.equal(await running.outcome, 'CANCELLED');
});

test('a source whose write block was set without an answer is opened, although the destination is silent', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(10));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using blocked = onceAt('engine.cutover.claimed', async () => {
    await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
    const data = { failCommands: ['setUserWriteBlockMode'], closeConnection: true, appName: 'linkspan-source' };
    await pair.source.failCommand({ mode: { times: 1 }, data });
    await silence(pair.destination, 'destination', ['update', 'insert', 'delete', 'findAndModify']);
  });
  running.steering.cutOver();
  await eventually(() => blocked.result !== undefined, { what: 'the claim' });
  await blocked.result;
  const open = () =>
    items.insertOne({ n: 'opened' }).then(
      () => true,
      () => false,
    );
  await eventually(open, { what: 'the source to be open' });
  await pair.destination.clearFailPoints();
  assert.equal(await running.outcome, 'COMMITTED');
  const [attempt] = running.progress.cutoverAttempts;
  assert.match(attempt?.reason ?? '', /did not say that its writes are blocked/);
  await expectIdentical(pair);
});
