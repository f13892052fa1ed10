import { test } from 'node:test';
import { Timestamp } from 'mongodb';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

interface Entry {
  _id: number;
  t: Timestamp;
  v: number;
}

const EMPTY = new Timestamp(0n);

// id: capped-empty-timestamp
test('an empty timestamp of a capped collection stays empty, and in its place, on every member of the destination', async () => {
  await using pair = await startPair({ destination: { members: 3 } });
  const db = pair.source.client.db('shop');
  await db.createCollection('log', { capped: true, size: 1_000_000 });
  const log = db.collection<Entry>('log');
  for (let _id = 0; _id < 20; _id += 1) {
    const replacement = [{ $replaceWith: { $literal: { _id, t: EMPTY, v: 0 } } }];
    await db.command({ update: 'log', updates: [{ q: { _id }, u: replacement, upsert: true }] });
  }
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await log.updateMany({ _id: { $lt: 10 } }, { $set: { v: 1 } });
  await running.commit();
  await expectIdentical(pair);
  const expected = (await log.find({}, { hint: { $natural: 1 } }).toArray()).map(show);
  for (const member of pair.destination.members) {
    await using client = pair.destination.clientOf(member);
    const copy = client.db('shop').collection<Entry>('log');
    const find = async () =>
      (await copy.find({}, { hint: { $natural: 1 }, readPreference: 'secondaryPreferred' }).toArray()).map(show);
    const isSame = async () => (await find()).join() === expected.join();
    await eventually(isSame, { what: `a member to have ${expected.join()}` });
  }
});

function show({ _id, t, v }: Entry): string {
  return `${_id} ${t.isZero()} ${v}`;
}
