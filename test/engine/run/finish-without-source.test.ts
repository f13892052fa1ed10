import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterAddress, MigrationOptions } from '../../../src/engine/index.ts';
import { loggerTo, newId } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { LEAST_ROLES } from '../../support/least-privilege.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';
import { soonGone } from '../silent-server.ts';
import { FINISHED, seedIndexed, standingOf } from '../weakened-indexes.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
/** The destination is still blocked. */
const COMMITTED = 'engine.cutover.committed';
/** Users write to the destination, documents may expire, and unique indexes are prepared only. */
const CONVERTING = 'engine.cutover.destination-open';
const UNWATCHED = /finished without the source/;

interface Sides {
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
}

// id: finished-without-source
test('a committed cutover is finished without its source, wherever the engine has ended', { skip }, async (t) => {
  for (const point of [COMMITTED, CONVERTING])
    await t.test(point, async () => {
      await using pair = await startPair({ destination: { auth: true } });
      await seedIndexed(pair.source);
      const sides = { source: soonGone(pair.source), destination: pair.destination };
      const migrationId = await stopAt(point, sides);
      const before = { blocked: point === COMMITTED, unique: false, expires: point === CONVERTING };
      assert.deepEqual(await standingOf(pair.destination), before);
      await pair.source.members[0]?.kill();
      const lines: string[] = [];
      const logger = loggerTo((line) => lines.push(line));
      {
        await using again = RunningMigration.start(sides, { migrationId, waitForClusters: true, logger });
        assert.equal(await again.outcome, 'COMMITTED');
        assert.equal(again.progress.canWrite, true);
        assert.match(again.progress.warnings.join('\n'), UNWATCHED);
      }
      assert.deepEqual(await standingOf(pair.destination), FINISHED);
      assert.equal(lines.filter((line) => line.includes('"cutover.finished_without_source"')).length, 1);

      await using later = RunningMigration.start(sides, { migrationId });
      assert.equal(await later.outcome, 'COMMITTED');
      assert.doesNotMatch(later.progress.warnings.join('\n'), UNWATCHED);
    });
});

test('a source that is back before long is watched for late writes after a committed cutover', { skip }, async () => {
  await using pair = await startPair({ destination: { auth: true } });
  await seedIndexed(pair.source);
  const sides = { source: soonGone(pair.source), destination: pair.destination };
  const migrationId = await stopAt(COMMITTED, sides);
  await pair.source.members[0]?.kill();
  await using again = RunningMigration.start(sides, { migrationId, waitForClusters: true });
  await again.until('the wait', ({ waiting }) => waiting.length > 0);
  await pair.source.members[0]?.restart();
  assert.equal(await again.outcome, 'COMMITTED');
  assert.doesNotMatch(again.progress.warnings.join('\n'), UNWATCHED);
  assert.deepEqual(await standingOf(pair.destination), FINISHED);
});

// id: finished-though-user-refused
test('a source that refuses the user does not keep a committed cutover from being finished', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await seedIndexed(pair.source);
  for (const side of ['source', 'destination'] as const)
    await pair[side].createUser('mover', 'secret', LEAST_ROLES[side]);
  const sides = {
    source: { uri: pair.source.uriFor('mover', 'secret') },
    destination: { uri: pair.destination.uriFor('mover', 'secret') },
  };
  const admin = pair.source.client.db('admin');
  const migrationId = await stopAt(COMMITTED, sides);
  await admin.command({ updateUser: 'mover', roles: [] });
  await stopAt(CONVERTING, sides, { migrationId });
  assert.deepEqual(await standingOf(pair.destination), { blocked: false, unique: false, expires: true });
  await admin.command({ dropUser: 'mover' });
  await using again = RunningMigration.start(sides, { migrationId });
  assert.equal(await again.outcome, 'COMMITTED');
  assert.deepEqual(await standingOf(pair.destination), FINISHED);
});

test('a destination that refuses the user is not finished, and the error names it', { skip }, async () => {
  await using pair = await startPair({ destination: { auth: true } });
  await seedIndexed(pair.source);
  await pair.destination.createUser('mover', 'secret', LEAST_ROLES.destination);
  const sides = { source: soonGone(pair.source), destination: { uri: pair.destination.uriFor('mover', 'secret') } };
  const migrationId = await stopAt(COMMITTED, sides);
  await pair.source.members[0]?.kill();
  await pair.destination.client.db('admin').command({ updateUser: 'mover', roles: ['clusterMonitor', 'backup'] });
  await using again = RunningMigration.start(sides, { migrationId });
  await assert.rejects(again.outcome, { code: 'MISSING_PRIVILEGE', message: /on the destination/ });
});

test('a commit that the destination loses before an engine takes it is not finished without the source', {
  skip,
}, async () => {
  await using pair = await startPair({ destination: { auth: true } });
  await seedIndexed(pair.source);
  const sides = { source: soonGone(pair.source), destination: pair.destination };
  const migrationId = await stopAt(COMMITTED, sides);
  await pair.source.members[0]?.kill();
  const records = pair.destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  using _ = onceAt('engine.opening.without-source', () =>
    records.updateOne({ _id: migrationId }, { $set: { 'cutover.committed': false } }),
  );
  await using again = RunningMigration.start(sides, { migrationId });
  await assert.rejects(again.outcome, { code: 'SOURCE_UNREACHABLE' });
  assert.equal((await standingOf(pair.destination)).blocked, true);
});

// id: reversible-without-source
test('a reversible cutover is finished without its source, whose failback begins when it is there again', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await seedIndexed(pair.source);
  const { source, destination } = await reversibleUsers(pair);
  const sides = { source: soonGone(source), destination };
  const first = new RunningReversible(sides, newId(), { usersAndRoles: true });
  const { migrationId } = first.migration.current.options;
  await stopReversibleAt(COMMITTED, first);
  await pair.source.client.db('shop').command({ createUser: 'late', pwd: 'late', roles: [] });
  await pair.source.members[0]?.kill();
  await using again = new RunningReversible(sides, migrationId, { usersAndRoles: true });
  await again.until('the end of the cutover', () => again.progress.state === 'COMMITTED');
  assert.deepEqual(await standingOf(pair.destination), FINISHED);
  await again.until('the wait of the failback', () => (again.migration.failbackProgress?.waiting.length ?? 0) > 0);
  await pair.destination.client.db('shop').collection('items').insertOne({ n: -1 });
  await pair.source.members[0]?.restart();
  await again.untilFollowing();
  const items = pair.source.client.db('shop').collection('items');
  await eventually(async () => (await items.countDocuments({ n: -1 })) === 1, { what: 'the write to arrive' });
  const warnings = again.migration.failbackProgress?.warnings.join('\n') ?? '';
  assert.match(warnings, /the old source received changes in admin\.system\.users\. They exist only there/);
});

// id: return-without-left-side
test('a return is finished without the side that users have left', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await seedIndexed(pair.source);
  const { source, destination } = await reversibleUsers(pair);
  const sides = { source, destination: soonGone(destination) };
  const first = new RunningReversible(sides);
  const { migrationId } = first.migration.current.options;
  await first.cutOver();
  await first.steering.reverse();
  await stopReversibleAt(COMMITTED, first);
  assert.equal((await standingOf(pair.source)).blocked, true);
  await pair.destination.members[0]?.kill();
  await using again = new RunningReversible(sides, migrationId);
  await again.until('the end of the return', () => again.progress.state === 'COMMITTED');
  assert.equal(again.migration.current.options.reversals, 1);
  assert.deepEqual(await standingOf(pair.source), FINISHED);
});

/** Cuts over, and stops the engine at the point. @returns the migration's id */
async function stopAt(point: string, sides: Sides, options: Partial<MigrationOptions> = {}): Promise<string> {
  await using running = RunningMigration.start(sides, options);
  const stopped = Promise.withResolvers<void>();
  using _ = onceAt(point, async () => {
    void running.stop();
    stopped.resolve();
  });
  if (options.migrationId === undefined) {
    await running.untilReady();
    running.steering.cutOver();
  }
  assert.equal(await running.outcome, 'STOPPED');
  await stopped.promise;
  return running.progress.migrationId;
}

async function stopReversibleAt(point: string, running: RunningReversible): Promise<void> {
  using _ = onceAt(point, async () => void running.stop());
  await running.until('the migration to be ready', () => running.progress.readyForCutover);
  running.steering.cutOver();
  assert.equal(await running.outcome, 'STOPPED');
}
