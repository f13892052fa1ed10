import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from 'mongodb';
import type { SavedState } from '../../../src/engine/compare-clusters/saved-state.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { identified } from '../../support/seeds.ts';
import { SharedPair } from './shared-pair.ts';
import { verificationOf, verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

const DOCUMENTS = 3_000;
const NAMESPACE = 'shop.items';

const pair = new SharedPair<{ _id: number }>('items', (items) =>
  items.insertMany(identified(DOCUMENTS, { v: 0, text: 'x'.repeat(500) })),
);

type Side = 'source' | 'destination';
const SIDES = ['source', 'destination'] as const;

/** Writes in one command that no change stream shows. */
async function hide(side: Side, operations: readonly Document[]): Promise<void> {
  const applyOps = operations.map((operation) => ({ ns: NAMESPACE, ...operation }));
  await pair[side].client.db('admin').command({ applyOps, writeConcern: { w: 'majority' } });
}

const update = (_id: number) => ({ op: 'u', o2: { _id }, o: { $v: 2, diff: { u: { v: 9 } } } });
/** An insert, an update and a delete. */
const THREE = [{ op: 'i', o: { _id: -1 } }, update(3), { op: 'd', o: { _id: 5 } }];

/** The keys that were found, by their class. */
function shown({ differences }: Awaited<ReturnType<typeof verify>>): string[] {
  return differences.map(({ _id, class: kind }) => `${(_id as { $numberInt: string }).$numberInt} ${kind}`).sort();
}

for (const [side, kinds] of [
  ['source', ['-1 MISSING', '3 DIFFERENT', '5 EXTRA']],
  ['destination', ['-1 EXTRA', '3 DIFFERENT', '5 MISSING']],
] as const) {
  test(`what applyOps writes to the ${side} behind the comparison is found, and is no difference on both sides`, async () => {
    let chunks = 0;
    using _ = onFailpoint('engine.compare.chunk-compared', async () => {
      chunks += 1;
      if (chunks !== 3) return;
      await hide(side, THREE);
      for (const each of SIDES) await hide(each, [update(7)]);
    });
    assert.deepEqual(shown(await verify(pair, { bytesPerSecond: 4_000_000 })), kinds);
    assert.ok(chunks >= 3);
  });

  test(`what applyOps writes to the ${side} while a comparison is stopped is found when it resumes`, async () => {
    const stop = new AbortController();
    let state: SavedState | undefined;
    const save = (saved: SavedState) => {
      state = saved;
      if (saved.pairs.some(({ after: key }) => key !== null)) stop.abort();
    };
    await verificationOf(pair, { bytesPerSecond: 400_000, save }).run(stop.signal);
    await hide(side, THREE);
    assert.ok(state !== undefined);
    assert.deepEqual(shown(await verify(pair, { resume: { state, file: 'state' } })), kinds);
  });
}

test('a collection in which applyOps writes very many documents is compared anew', async () => {
  let chunks = 0;
  using _ = onFailpoint('engine.compare.chunk-compared', async () => {
    chunks += 1;
    if (chunks === 4)
      await hide(
        'source',
        Array.from({ length: 1_200 }, (_, n) => update(n)),
      );
  });
  const { report } = await verify(pair, { bytesPerSecond: 4_000_000 });
  assert.equal(report.differences.total, 1_200);
  assert.equal(report.totals.documents, DOCUMENTS);
});
