import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reversal } from '../../src/agent/reversal.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { RunningReversible, reversibleUsers } from '../engine/running-reversible.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

test('orders that come early, late or twice turn a migration no further than the one that is wanted', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(100));
  await using running = new RunningReversible(await reversibleUsers(pair));
  const { migration } = running;
  const reversal = new Reversal(migration, silentLogger);
  const wants = (reversals: number, finish = false) => reversal.want({ reversals, finish, dropsConfirmed: null });
  const told = () => reversal.wayBack(migration.current.progress(), undefined)?.state;

  assert.equal(wants(1), false, 'before the first cutover');
  assert.equal(wants(0, true), false, 'nothing to finish yet');
  assert.equal(told(), undefined);
  await running.cutOver();
  assert.equal(reversal.reversals, 0);
  assert.equal(told(), 'FOLLOWING');
  assert.equal(wants(2), false, 'not two directions at once');
  assert.equal(wants(0), true);
  assert.equal(reversal.reversals, 0);

  await eventually(() => wants(1), { what: 'the reversal' });
  assert.equal(wants(1), true);
  assert.equal(reversal.reversals, 1);
  assert.equal(wants(0), false, 'a cutover that was wanted of the first direction is not one of the second');
  // Another agent's: this one has tried to finish a moment ago, and waits before it tries again.
  const restarted = new Reversal(migration, silentLogger);
  const oldFinish = restarted.want({ reversals: 0, finish: true, dropsConfirmed: null });
  assert.equal(oldFinish, false, 'an old finish does not close the way back of the second');
  assert.equal(told(), undefined, 'the second direction has not cut over');
  assert.equal(running.progress.state, 'FOLLOWING');

  await running.cutOver();
  assert.equal(reversal.reversals, 1);
  const closed = () => {
    assert.equal(wants(1, true), false);
    return told() === 'CLOSED';
  };
  await eventually(closed, { what: 'the way back to be closed' });
  assert.equal(await running.outcome, 'COMMITTED');
  await using again = new RunningReversible(await addressesOf(migration), migration.current.options.migrationId);
  assert.equal(await again.outcome, 'COMMITTED');
  const after = new Reversal(again.migration, silentLogger);
  assert.equal(after.wayBack(again.progress, 'COMMITTED')?.state, 'CLOSED');
});

test('a finish closes the way back of the cutover that it names, and none once the users have returned', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const migrationId = newId();
  const finishOf = (cutover: number) => ({ reversals: 1, finish: true, finishOf: cutover, dropsConfirmed: null });
  {
    await using running = new RunningReversible(addresses, migrationId);
    await running.cutOver();
    await running.returnToOldSource();
    const reversal = new Reversal(running.migration, silentLogger);
    reversal.want(finishOf(0));
    await assert.rejects(running.migration.finish(0), { code: 'WRONG_STATE' });
  }
  const records = pair.source.client
    .db('linkspan_internal')
    .collection<{ _id: string; wayBackClosedBy?: string[] }>('migrations');
  const closedBy = async () => (await records.findOne({ _id: migrationId }))?.wayBackClosedBy;
  assert.equal(await closedBy(), undefined);

  await pair.destination.members[0]?.kill();
  await using running = new RunningReversible(addresses, migrationId, { waitForClusters: true });
  const { migration } = running;
  // Until it has waited for a while, the engine may still reach the other side.
  const refused = async () => {
    const outcome = await migration.finish(0).catch((error: Error & { code?: string }) => error);
    return outcome instanceof Error ? outcome.code !== 'WRONG_STATE' : assert.equal(await closedBy(), undefined);
  };
  await eventually(refused, { what: 'the side of the first cutover to be asked' });
  assert.equal(await closedBy(), undefined);
  const reversal = new Reversal(migration, silentLogger);
  const closed = () => {
    reversal.want(finishOf(1));
    return reversal.wayBack(running.progress, undefined)?.state === 'CLOSED';
  };
  await eventually(closed, { what: 'the way back of the return to be closed' });
  assert.equal((await closedBy())?.length, 1);
  assert.equal(reversal.closedCutover, 1);
});

test('an agent that starts after the old source is lost closes the way back', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const migrationId = newId();
  {
    await using running = new RunningReversible(addresses, migrationId);
    await running.cutOver();
  }
  await pair.source.members[0]?.kill();
  {
    await using running = new RunningReversible(addresses, migrationId, { waitForClusters: true });
    const reversal = new Reversal(running.migration, silentLogger);
    const closed = () => {
      reversal.want({ reversals: 0, finish: true, dropsConfirmed: null });
      return reversal.wayBack(running.progress, undefined)?.state === 'CLOSED';
    };
    await eventually(closed, { what: 'the way back to be closed' });
    assert.equal(await running.outcome, 'COMMITTED');
  }
  await pair.source.members[0]?.restart();
  await pair.source.primary();
  await using later = new RunningReversible(addresses, migrationId, { waitForClusters: true });
  assert.equal(await later.outcome, 'COMMITTED');
  await assert.rejects(later.migration.reverse(), { code: 'WRONG_STATE' });
});

async function addressesOf({ current }: RunningReversible['migration']) {
  // The second direction has both sides swapped.
  const { source, destination } = current.options;
  return { source: { uri: destination.uri }, destination: { uri: source.uri } };
}
