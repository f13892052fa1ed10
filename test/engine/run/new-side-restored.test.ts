import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../../src/platform/index.ts';
import { backUp } from '../../support/back-up.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { rollOplog, smallOplog } from '../../support/roll-oplog.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

interface Item {
  readonly _id: number;
  readonly changed?: boolean;
}

const shopOf = ({ client }: ReplicaSet) => client.db('shop');
const itemsOf = (side: ReplicaSet) => shopOf(side).collection<Item>('items');

/** What the old side has that the new side lost. */
async function keptBy(side: ReplicaSet) {
  const items = itemsOf(side);
  return {
    inserted: await items.countDocuments({ _id: { $gte: 1_000 } }),
    changed: await items.countDocuments({ changed: true }),
    orders: await shopOf(side).collection('orders').countDocuments(),
  };
}

/** A confirmation of drops of before the loss. */
const EARLIER = 1;
const ALL = { inserted: 4, changed: 1, orders: 3 };

/** Writes to the new side what a backup of before lacks. */
async function write({ source, destination }: ReplicaSetPair): Promise<void> {
  await itemsOf(destination).insertMany(identified(4).map(({ _id }) => ({ _id: 1_000 + _id })));
  await itemsOf(destination).updateOne({ _id: 0 }, { $set: { changed: true } });
  await shopOf(destination).collection('orders').insertMany([{}, {}, {}]);
  const isKept = async () => JSON.stringify(await keptBy(source)) === JSON.stringify(ALL);
  await eventually(isKept, { what: 'the old side to have it' });
}

function heldOf({ migration }: RunningReversible) {
  return migration.failbackProgress?.waiting.find(({ for: what }) => what === 'a confirmation of drops');
}

async function assertHeld(running: RunningReversible, pair: ReplicaSetPair): Promise<void> {
  await eventually(() => /only the other side has: .*orders/i.test(heldOf(running)?.reason ?? ''), {
    what: 'the list of what only the old side has',
  });
  const reason = heldOf(running)?.reason ?? '';
  assert.match(reason, /4 documents and another state of 1 document of shop\.items, first _id 0/);
  assert.match(reason, /the collection shop\.orders with 3 documents/);
  assert.equal(running.migration.failbackProgress?.readyForCutover, false);
  assert.deepEqual(await keptBy(pair.source), ALL);
}

/** Restores the new side of a failback, with an engine that runs or none, restarts the engine, and confirms. */
async function restoreAndConfirm(verification: 'REPAIR' | 'OFF'): Promise<void> {
  await using pair = await startPair({ source: { auth: true }, destination: { ...smallOplog, auth: true } });
  await itemsOf(pair.source).insertMany(identified(20));
  const addresses = await reversibleUsers(pair);
  const id = newId();
  await using first = new RunningReversible(addresses, id, { verification });
  await first.cutOver();
  first.steering.confirmDrops(EARLIER);
  using backup = await backUp(pair.destination);
  await write(pair);
  await first.untilFollowing();
  if (verification === 'OFF') await first.stop();
  await backup.restore();
  if (verification === 'REPAIR') {
    await assertHeld(first, pair);
    await first.stop();
    await rollOplog(pair.destination); // Now the oplog doesn't show the loss any more.
  }
  await using second = new RunningReversible(addresses, id, { verification });
  await assertHeld(second, pair);
  if (verification === 'REPAIR') second.steering.confirmDrops(EARLIER); // As an order that is repeated.
  await assertHeld(second, pair);

  await itemsOf(pair.destination).insertOne({ _id: 1_000 });
  second.steering.confirmDrops(Date.now());
  await second.untilFollowing();
  // Whichever tells it first: the oplog, or the stream.
  const reason = second.migration.failbackProgress?.repairs?.reason ?? '';
  assert.match(reason, /restored from a backup|resume token was not found/);
  await second.steering.finish();
  await expectIdentical(pair);
  assert.deepEqual(await keptBy(pair.source), { inserted: 1, changed: 0, orders: 0 });
}

// id: lost-documents-stay
test('what a restored new side has lost stays on the old side until an operator confirms', { skip }, () =>
  restoreAndConfirm('REPAIR'),
);

// id: restored-between-engines
test('what a new side has lost that was restored while no engine ran stays, too, without verification', { skip }, () =>
  restoreAndConfirm('OFF'),
);

/** Restores the new side while the engine is held at a point that a change there leads to. */
async function restoreAt(point: string, change: (side: ReplicaSet) => Promise<unknown>): Promise<void> {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await itemsOf(pair.source).insertMany(identified(20));
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  using backup = await backUp(pair.destination);
  await write(pair);
  await running.untilFollowing();
  using held = holdAt(point, { times: 1 });
  await change(pair.destination);
  await held.reached;
  await backup.restore();
  held.release();
  await assertHeld(running, pair);
  await running.steering.finish();
  assert.deepEqual(await keptBy(pair.source), ALL, 'the end of the failback has changed the old side');
}

// id: lost-change-not-read
test('a change that a restored new side has lost is not read from there', { skip }, () =>
  restoreAt('engine.apply.batch-taken', (side) => itemsOf(side).updateOne({ _id: 1_000 }, { $set: { changed: true } })),
);

// id: restored-catalog-drops-nothing
test('a catalog of a restored new side drops nothing on the old side', { skip }, () =>
  restoreAt('engine.catalog.comparison-begun', (side) => shopOf(side).createCollection('later')),
);

// id: loss-told-by-stream-is-held
test('a loss of the new side that only its stream tells is held until an operator confirms', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await itemsOf(pair.source).insertMany(identified(20));
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  // Servers answer so when the entry of a resume token is gone. The oplog shows no loss here.
  const data = { failCommands: ['getMore'], errorCode: 280, appName: 'linkspan-source' };
  await pair.destination.failCommand({ mode: { times: 1 }, data });
  await eventually(() => heldOf(running) !== undefined, { what: 'the hold' });
  await itemsOf(pair.destination).insertOne({ _id: 2_000 });
  running.steering.confirmDrops(Date.now());
  const isThere = async () => (await itemsOf(pair.source).countDocuments({ _id: 2_000 })) > 0;
  await eventually(isThere, { what: 'changes after the confirmation' });
});
