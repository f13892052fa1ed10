import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { onceAt } from '../reach-points.ts';
import { SharedPair } from './shared-pair.ts';
import { verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

interface Numbered {
  _id: number;
  u: number;
}

const pair = new SharedPair<Numbered>('items', (items) => items.createIndex({ u: 1 }, { unique: true }));
const { here, there } = pair;

async function plant(wanted: readonly Numbered[], present: readonly Numbered[]): Promise<void> {
  await here().insertMany([...wanted]);
  await there().insertMany([...present]);
}

test('a repair gives documents their unique values back that others on the destination have', async (t) => {
  const all = (...values: readonly number[]) => values.map((u, at) => ({ _id: at + 1, u }));
  const planted = {
    'two that are swapped': [all(1, 2), all(2, 1)],
    'a ring of five': [all(1, 2, 3, 4, 5), all(2, 3, 4, 5, 1)],
    'one whose value only an extra document has': [all(1), [{ _id: 9, u: 1 }]],
    'a chain that ends at a free value': [all(1, 2, 3), all(2, 3, 4)],
  } as const;
  for (const [what, [wanted, present]] of Object.entries(planted))
    await t.test(what, async () => {
      await here().deleteMany({});
      await there().deleteMany({});
      await plant(wanted, present);
      const { report } = await verify(pair, { repair: true });
      assert.equal(report.result, 'EQUAL', report.explanation);
      assert.ok(report.differences.repaired >= wanted.length);
      await expectIdentical(pair);
    });
});

test('a document that only the destination changes meanwhile keeps the unique value that a repair needs', async () => {
  await plant([{ _id: 1, u: 1 }], [{ _id: 1, u: 2 }]);
  using _ = onceAt('engine.compare.chunk-compared', () => there().insertOne({ _id: 7, u: 1 }));
  const { report, differences } = await verify(pair, { repair: true });
  assert.deepEqual([report.result, report.differences.repaired], ['DIFFERENT', 0]);
  assert.deepEqual(differences.map(({ class: kind, external }) => [kind, external]).toSorted(), [
    ['DIFFERENT', undefined],
    ['EXTRA', true],
  ]);
  assert.deepEqual(await there().find().toArray(), [
    { _id: 1, u: 2 },
    { _id: 7, u: 1 },
  ]);
});
