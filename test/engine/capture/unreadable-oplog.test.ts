import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { sourceUser } from '../cutover/source-user.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';
import { insertHidden } from './insert-hidden.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

/** A migration whose user may not read the oplog, after a unstreamed write. */
async function withHiddenWrite() {
  await using resources = new AsyncDisposableStack();
  const pair = resources.use(await startPair({ source: { auth: true } }));
  const items = pair.source.client.db('shop').collection<{ _id: number }>('items');
  await items.insertMany(identified(10));
  const clusters = {
    source: await sourceUser(pair.source, { readsOplog: false }),
    destination: pair.destination,
  };
  const running = resources.use(RunningMigration.start(clusters));
  await running.untilReady();
  assert.ok(running.progress.warnings.some((one) => /source's oplog can't be read/.test(one)));
  await insertHidden(pair.source.client, 100);
  const { applied } = running.progress.changes;
  await items.insertOne({ _id: 200 });
  await running.until('a later change', ({ changes }) => changes.applied > applied);
  const grant = () => pair.source.client.db('admin').command({ grantRolesToUser: 'blind', roles: ['backup'] });
  const kept = resources.move();
  return { pair, clusters, running, grant, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

// id: unreadable-oplog-then-migrated
test('what was written without an event while the oplog could not be read is migrated once it can', {
  skip,
}, async () => {
  await using world = await withHiddenWrite();
  const { pair, running, grant } = world;
  await grant();
  const hidden = () => pair.destination.client.db('shop').collection<{ _id: number }>('items').findOne({ _id: 100 });
  await eventually(hidden, { what: 'the document that no event has shown' });
  await running.commit();
  await expectIdentical(pair);
});

test('what was written without an event while the oplog could not be read is migrated by the next run that can', {
  skip,
}, async () => {
  await using world = await withHiddenWrite();
  const { pair, clusters, running, grant } = world;
  // The second checkpoint from here on is one of the later change.
  using saved = holdAt('engine.checkpoint.saved', { after: 1, times: 1 });
  await saved.reached;
  saved.release();
  await running.stop();
  await grant();
  await using next = RunningMigration.start(clusters, { migrationId: running.progress.migrationId });
  await next.commit();
  await expectIdentical(pair);
});
