import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failbackReport } from '../../src/agent/failback-report.ts';
import { FIRST_ORDER, type Order } from '../../src/contract/index.ts';
import { newId } from '../../src/platform/index.ts';
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
  const told = () => reportOf(running)?.state;

  await assert.rejects(orderAndWait(running, { direction: 1 }), { code: 'WRONG_STATE' }, 'before the first cutover');
  await assert.rejects(orderAndWait(running, { finish: 0 }), { code: 'WRONG_STATE' }, 'nothing to finish yet');
  assert.equal(told(), undefined);
  order(running, {});
  await running.cutOver();
  assert.equal(migration.direction, 0);
  assert.equal(told(), 'FOLLOWING');
  await assert.rejects(orderAndWait(running, { direction: 2 }), { code: 'WRONG_STATE' }, 'not two directions at once');
  await orderAndWait(running, { direction: 0 });
  assert.equal(migration.direction, 0);

  await orderAndWait(running, { direction: 1 });
  await orderAndWait(running, { direction: 1 });
  assert.equal(migration.direction, 1);
  order(running, { direction: 0, wanted: 'CUTOVER' });
  assert.equal(
    migration.wanted,
    'RUNNING',
    'a cutover that was wanted of the first direction is not one of the second',
  );
  assert.equal(told(), undefined, 'the second direction has not cut over');
  assert.equal(running.progress.state, 'FOLLOWING');
  order(running, { direction: 1 });

  await running.cutOver();
  assert.equal(migration.direction, 1);
  await orderAndWait(running, { direction: 1, finish: 1 });
  assert.equal(told(), 'CLOSED');
  assert.equal(await running.outcome, 'COMMITTED');
  await using again = new RunningReversible(await addressesOf(migration), migration.current.options.migrationId);
  assert.equal(await again.outcome, 'COMMITTED');
  assert.equal(failbackReport(again.migration, 'COMMITTED', 'COMMITTED')?.state, 'CLOSED');
});

test('a finish closes the failback of the cutover that it names, and none once the users have returned', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
  const addresses = await reversibleUsers(pair);
  const migrationId = newId();
  {
    await using running = new RunningReversible(addresses, migrationId);
    await running.cutOver();
    await running.returnToOldSource();
    await assert.rejects(orderAndWait(running, { direction: 1, finish: 0 }), { code: 'WRONG_STATE' });
  }
  const records = pair.source.client
    .db('linkspan_internal')
    .collection<{ _id: string; failbackClosedBy?: string[] }>('migrations');
  const closedBy = async () => (await records.findOne({ _id: migrationId }))?.failbackClosedBy;
  assert.equal(await closedBy(), undefined);

  await pair.destination.members[0]?.kill();
  await using running = new RunningReversible(addresses, migrationId, { waitForClusters: true });
  const { migration } = running;
  // Until it has waited for a while, the engine may still reach the other side.
  const refused = async () => {
    const asked = orderAndWait(running, { direction: 1, finish: 0 });
    const outcome = await asked.catch((error: Error & { code?: string }) => error);
    return outcome instanceof Error ? outcome.code !== 'WRONG_STATE' : assert.equal(await closedBy(), undefined);
  };
  await eventually(refused, { what: 'the side of the first cutover to be asked' });
  assert.equal(await closedBy(), undefined);
  const closed = () => {
    order(running, { direction: 1, finish: 1 });
    return reportOf(running)?.state === 'CLOSED';
  };
  await eventually(closed, { what: 'the failback of the return to be closed' });
  assert.equal((await closedBy())?.length, 1);
  assert.equal(migration.closed, 1);
});

test('an agent that starts after the old source is lost closes the failback', { skip }, async () => {
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
    const closed = () => {
      order(running, { finish: 0 });
      return reportOf(running)?.state === 'CLOSED';
    };
    await eventually(closed, { what: 'the failback to be closed' });
    assert.equal(await running.outcome, 'COMMITTED');
  }
  await pair.source.members[0]?.restart();
  await pair.source.primary();
  await using later = new RunningReversible(addresses, migrationId, { waitForClusters: true });
  assert.equal(await later.outcome, 'COMMITTED');
  await assert.rejects(later.steering.reverse(), { code: 'WRONG_STATE' });
});

let revision = 0;

/** Gives an order to a migration, as an agent does. */
function order({ migration }: RunningReversible, change: Partial<Order>): void {
  revision += 1;
  migration.follow({ ...FIRST_ORDER, ...change, revision });
}

async function orderAndWait(running: RunningReversible, change: Partial<Order>): Promise<void> {
  order(running, change);
  await running.migration.carriedOut();
}

function reportOf({ migration, progress }: RunningReversible) {
  return failbackReport(migration, progress.state, undefined);
}

async function addressesOf({ current }: RunningReversible['migration']) {
  // The second direction has both sides swapped.
  const { source, destination } = current.options;
  return { source: { uri: destination.uri }, destination: { uri: source.uri } };
}
