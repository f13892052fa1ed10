import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** Documents with a field named as the one by which the oplog tells a delta from a whole document. */
const VERSIONED = [
  { $v: 1, a: 1 },
  { $v: 2, a: 1 },
  { a: 1, $v: 2 },
  { $v: 2, diff: { u: { a: 5 } }, a: 1 },
  { a: { $v: 2 } },
];

// id: field-v
test('documents with a field $v are migrated: copied, inserted, and changed', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection<{ _id: number }>('items');
  const insert = async (first: number) => {
    await items.insertMany(VERSIONED.map((document, n) => ({ _id: first + n, ...document })));
  };
  for (const first of [0, 10]) await insert(first);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await insert(20);
  for (const first of [10, 20]) await items.updateMany({ _id: { $gte: first } }, { $set: { changed: first } });
  await running.commit();
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 3 * VERSIONED.length);
});

/** Documents that a server takes for deltas, and an entry of each kind that it can't read. */
const UNREADABLE = [
  { $v: 2 },
  { $v: 2, diff: {} },
  { $v: 2, diff: { u: { n: 9 }, l: 4 } },
  { $v: 2, diff: { u: 1 } },
  { $v: 'text' },
];

// id: pipeline-field-v
test('a pipeline that writes a field $v, which ends every change stream, costs a comparison, and no change is lost', {
  skip: needsSource('6.0', 'a lost history ends its migrations'),
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection<{ _id: number; n: number }>('items');
  await items.insertMany(Array.from({ length: 20 }, (_, _id) => ({ _id, n: 0 })));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  for (const [n, fields] of UNREADABLE.entries()) {
    await items.updateOne({ _id: n }, [{ $replaceWith: { $literal: { _id: n, ...fields } } }]);
    await items.updateMany({ _id: { $gte: 10 } }, { $inc: { n: 1 } });
    await running.until('the loss to be declared', ({ repairs }) => (repairs?.declared ?? 0) > n);
    await running.untilReady();
  }
  await running.commit();
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 20);
});
