import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { checkForLeaks } from '../../support/leak-check.ts';
import { identified } from '../../support/seeds.ts';
import { onceAt } from '../reach-points.ts';
import { SharedPair } from './shared-pair.ts';
import { verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

interface Numbered {
  _id: number;
  n: number;
}

const pair = new SharedPair<Numbered>('c', (items) => items.insertMany(identified(10, { n: 0 })));
beforeEach(() => there().deleteOne({ _id: 8 }));

const { here, there } = pair;

// id: leaves-destination-changes
test('a repair leaves what only the destination changes meanwhile, says so, and the next one repairs it', async () => {
  using _ = onceAt('engine.compare.chunk-compared', async () => {
    await there().insertOne({ _id: 11, n: 1 });
    await there().updateOne({ _id: 3 }, { $set: { n: 1 } });
  });
  const { report, differences } = await verify(pair, { repair: true });
  assert.deepEqual(differences.map(({ class: kind, external, repaired }) => [kind, external, repaired]).toSorted(), [
    ['DIFFERENT', true, undefined],
    ['EXTRA', true, undefined],
    ['MISSING', undefined, true],
  ]);
  assert.deepEqual([report.result, report.differences.total, report.differences.repaired], ['DIFFERENT', 2, 1]);
  assert.match(report.explanation, /2 documents of these changed on the destination only .* repairs leave such/);
  assert.equal(await there().countDocuments({ n: 1 }), 2);
  const next = await verify(pair, { repair: true });
  assert.deepEqual([next.report.result, next.report.differences.repaired], ['EQUAL', 2], next.report.explanation);
});

// id: keeps-later-writes
test('a repair does not overwrite what another client writes on the destination after it', async () => {
  await there().insertOne({ _id: 8, n: 5 });
  await expectLeftAfterRepair();
});

// id: keeps-writes-after-recheck
test('a repair of what the source changed meanwhile does not overwrite what another client writes after it', async () => {
  await there().insertOne({ _id: 8, n: 0 });
  using _ = onceAt('engine.compare.chunk-compared', () => here().updateOne({ _id: 8 }, { $set: { n: 5 } }));
  await expectLeftAfterRepair();
});

async function expectLeftAfterRepair(): Promise<void> {
  using _ = onceAt('engine.compare.repaired', () => there().updateOne({ _id: 8 }, { $set: { n: 1 } }));
  const { report, differences } = await verify(pair, { repair: true });
  assert.deepEqual([report.result, differences.map(({ external }) => external)], ['DIFFERENT', [true]]);
  assert.equal((await there().findOne({ _id: 8 }))?.n, 1);
}

// id: repaired-again
test('what the source changes after a repair is repaired again', async () => {
  using _ = onceAt('engine.compare.repaired', () => here().updateOne({ _id: 8 }, { $set: { n: 1 } }));
  const { report } = await verify(pair, { repair: true });
  assert.deepEqual([report.result, report.differences.repaired], ['EQUAL', 1], report.explanation);
  assert.equal((await there().findOne({ _id: 8 }))?.n, 1);
});
