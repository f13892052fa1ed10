import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { newId } from '../../../src/platform/index.ts';
import { backUp } from '../../support/back-up.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetOptions, startPair } from '../../support/replica-set.ts';
import { rollOplog, smallOplog } from '../../support/roll-oplog.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

const itemsOf = ({ client }: Pick<ReplicaSet, 'client'>) => client.db('shop').collection<{ _id: number }>('items');

async function filledPair(source: ReplicaSetOptions = {}) {
  const pair = await startPair({ source: { ...source, auth: true }, destination: { auth: true } });
  await itemsOf(pair.source).insertMany(identified(20));
  return { pair, addresses: await reversibleUsers(pair), [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

/** Each start of the only member is an election. */
async function restart({ members, primary }: ReplicaSet): Promise<void> {
  for (const member of members) {
    await member.kill('SIGTERM');
    await member.restart();
  }
  await primary();
}

async function assertLost({ migration, steering }: RunningReversible): Promise<void> {
  await eventually(() => migration.failbackFailure !== undefined, { what: 'the failback to end' });
  assert.match(String(migration.failbackFailure), /it was restored from a backup of before/);
  await assert.rejects(steering.reverse(), { code: 'FAILBACK_LOST' });
}

/**
 * @param runs  whether an engine runs while the old source is restored
 * @param hasFewerElections  whether the restored old source has had fewer elections than the engine has seen
 */
async function restoreBefore({ runs = false, hasFewerElections = false }): Promise<void> {
  await using world = await filledPair();
  const { pair, addresses } = world;
  using before = await backUp(pair.source);
  if (hasFewerElections) await restart(pair.source);
  await itemsOf(pair.source).insertMany([{ _id: 1_000 }, { _id: 1_001 }]);
  const id = newId();
  const options = { verification: runs ? 'REPAIR' : 'OFF' } as const;
  await using first = new RunningReversible(addresses, id, options);
  await first.cutOver();
  if (!runs) await first.stop();
  await before.restore();
  await using second = runs ? undefined : new RunningReversible(addresses, id, options);
  await assertLost(second ?? first);
  // The set's own client takes a set with fewer elections for one that is not up to date.
  await using client = new MongoClient(pair.source.uri);
  assert.equal(await itemsOf({ client }).countDocuments(), 20, 'the old source was changed');
  assert.equal(await itemsOf(pair.destination).countDocuments(), 22);
}

// id: old-source-restored-before-cutover
test('a failback is lost when its old source is restored from a copy of before the cutover', { skip }, () =>
  restoreBefore({}),
);

// id: old-source-restored-while-running
test('a failback that runs is lost when its old source is restored from a copy of before the cutover', { skip }, () =>
  restoreBefore({ runs: true }),
);

// id: old-source-restored-of-fewer-elections
test('a failback that runs is lost when its old source is restored from a copy with fewer elections', { skip }, () =>
  restoreBefore({ runs: true, hasFewerElections: true }),
);

// id: old-source-restored-after-cutover
test('a failback begins again when its old source is restored from a copy of after the cutover', { skip }, async () => {
  await using world = await filledPair();
  const { pair, addresses } = world;
  using open = holdAt('engine.cutover.destination-open', { times: 1 });
  await using running = new RunningReversible(addresses, newId(), { verification: 'OFF' });
  await running.until('the migration to be ready', () => running.progress.readyForCutover);
  running.steering.cutOver();
  await open.reached;
  using after = await backUp(pair.source);
  open.release();
  await running.untilFollowing();
  await itemsOf(pair.destination).insertOne({ _id: 1_000 });
  await after.restore();
  await eventually(async () => (await itemsOf(pair.source).countDocuments()) === 21, { what: 'the change' });
  await running.untilFollowing();
  await running.steering.finish();
  await expectIdentical(pair);
});

/** Begins a failback when the oplog of the old source has gone round since the cutover. */
async function beginAfterRound(isBlocked: boolean): Promise<void> {
  await using world = await filledPair(smallOplog);
  const { pair, addresses } = world;
  using open = holdAt('engine.cutover.destination-open', { times: 1 });
  await using running = new RunningReversible(addresses);
  await running.until('the migration to be ready', () => running.progress.readyForCutover);
  running.steering.cutOver();
  await open.reached;
  await rollOplog(pair.source);
  const lifted = { setUserWriteBlockMode: 1, global: false };
  if (!isBlocked) await pair.source.client.db('admin').command(lifted);
  open.release();
  await (isBlocked ? running.untilFollowing() : assertLost(running));
}

// id: blocked-old-source-without-entry
test('a failback is open to a blocked old source whose oplog no longer has the cutover', { skip }, () =>
  beginAfterRound(true),
);

// id: neither-oplog-nor-block
test('a failback is lost when neither the oplog nor the block of its old source shows the cutover', { skip }, () =>
  beginAfterRound(false),
);
