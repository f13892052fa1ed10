import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { newId } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetOptions, startPair, startReplicaSet } from '../../support/replica-set.ts';
import { rollOplog, smallOplog } from '../../support/roll-oplog.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';
import { SideWriter } from './side-writer.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

/** A reversible migration, and another one from the same source to a destination of its own; both are ready. */
async function twoFromOneSource(source: ReplicaSetOptions = {}) {
  await using resources = new AsyncDisposableStack();
  const pair = resources.use(await startPair({ source: { ...source, auth: true }, destination: { auth: true } }));
  const third = resources.use(await startReplicaSet({ auth: true }));
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  const reversible = resources.use(new RunningReversible(addresses, id));
  const other = resources.use(RunningMigration.start({ source: addresses.source, destination: third }));
  await reversible.until('the first to be ready', () => reversible.progress.readyForCutover);
  await other.untilReady();
  const apps = {
    old: resources.use(await SideWriter.start(pair.source, 'old')),
    primary: resources.use(await SideWriter.start(pair.destination, 'primary')),
    third: resources.use(await SideWriter.start(third, 'third')),
  };
  const kept = resources.move();
  return { source: pair.source, id, reversible, other, apps, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

// id: no-cutover-from-old-source
test('no one cuts over from an old source as long as its failback is open, and so the return opens no other source', {
  skip,
}, async () => {
  await using world = await twoFromOneSource();
  const { id, reversible, other, apps } = world;
  await reversible.cutOver();
  await other.untilReady();
  other.steering.cutOver();
  await other.until('the refusal to be told', ({ cutoverAttempts }) =>
    cutoverAttempts.some(({ reason }) => reason?.includes(`the destination of migration ${id}`)),
  );
  assert.equal(await apps.third.canWrite(), false);
  await reversible.steering.reverse();
  await reversible.until('the return to be ready', () => reversible.progress.readyForCutover);
  reversible.steering.cutOver();
  await reversible.until('the return to be done', () => reversible.progress.state === 'COMMITTED');
  // The source has the users again, so the other migration takes them from there.
  assert.equal(await other.outcome, 'COMMITTED');
  await eventually(() => apps.third.acknowledged > 0, { what: 'the third side to take writes' });
  assert.equal(await apps.old.canWrite(), false);
  await apps.old.assertTakenOverBy(apps.third);
});

// id: block-without-entry-stays
test('no one lifts a block whose entry the oplog no longer has, and no cutover relies on that of an old source', {
  skip,
}, async () => {
  await using world = await twoFromOneSource(smallOplog);
  const { source, id, reversible, other, apps } = world;
  await reversible.cutOver();
  await rollOplog(source);
  await other.untilReady();
  const before = apps.old.acknowledged;
  other.steering.rehearse(1);
  const attempts = () => other.progress.cutoverAttempts;
  await other.until('the end of the rehearsal', () => attempts().some(({ result }) => result === 'NOT_REHEARSED'));
  other.steering.cutOver();
  await other.until('the refusal to be told', () =>
    attempts().some(({ reason }) => reason?.includes(`the destination of migration ${id}`)),
  );
  assert.equal(apps.old.acknowledged, before, 'the old source took writes');
  assert.equal(await apps.old.canWrite(), false);
});

// id: failback-ends-by-other-cutover
test('a failback ends when another migration has cut over from the old source before it began', { skip }, async () => {
  await using world = await twoFromOneSource();
  const { reversible, other, apps } = world;
  using held = holdAt('engine.cutover.destination-open', { times: 1 });
  reversible.steering.cutOver();
  await held.reached;
  await other.untilReady();
  other.steering.cutOver();
  assert.equal(await other.outcome, 'COMMITTED');
  held.release();
  const failure = () => reversible.migration.failbackFailure as { code?: string } | undefined;
  await eventually(() => failure() !== undefined, { what: 'the failback to end' });
  assert.equal(failure()?.code, 'FAILBACK_LOST');
  assert.match(String(failure()), new RegExp(`migration ${other.migration.current.options.migrationId} has cut over`));
  await assert.rejects(reversible.steering.reverse(), { code: 'FAILBACK_LOST' });
  assert.equal(await reversible.outcome, 'COMMITTED');
  assert.equal(await apps.old.canWrite(), false);
  assert.equal(await apps.primary.canWrite(), true);
  assert.equal(await apps.third.canWrite(), true);
});

// id: second-cutover-after-return
test('a migration that came back cuts over again from a side that another one has left only after its block was lifted', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await using third = await startReplicaSet({ auth: true });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const { source, destination } = await reversibleUsers(pair);
  await third.createUser('mover', 'secret', ['root']);
  const lines: { event?: string; migrations?: readonly string[] }[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const ids = { returned: newId(), other: newId() };
  await using returned = new RunningReversible({ source, destination }, ids.returned);
  await using other = new RunningReversible(
    { source, destination: { uri: third.uriFor('mover', 'secret') } },
    ids.other,
    { logger },
  );
  for (const one of [returned, other]) await one.until('the migration to be ready', () => one.progress.readyForCutover);
  await using left = await SideWriter.start(pair.destination, 'left');
  await using users = await SideWriter.start(third, 'users');
  await returned.cutOver();
  await returned.returnToOldSource();
  await other.cutOver();
  await returned.steering.reverse();
  returned.steering.cutOverOnceReady();
  const isRefused = (why: string) => returned.progress.cutoverAttempts.some(({ reason }) => reason?.includes(why));
  await returned.until('the open failback to be told', () => isRefused(`the destination of migration ${ids.other}`));

  await other.steering.finish();
  const closed = lines.find(({ event }) => event === 'failback.others_open');
  assert.deepEqual(closed?.migrations, [ids.returned]);
  await returned.until('the committed block to be told', () => isRefused(`migration ${ids.other} has cut over from`));
  assert.deepEqual(await Promise.all([left.canWrite(), users.canWrite()]), [false, true]);

  // An operator decides that the users come back from the third side.
  await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
  await returned.until('the cutover', () => returned.progress.state === 'COMMITTED');
  assert.equal(await left.canWrite(), true);
});
