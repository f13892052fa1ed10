import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SavedState } from '../../../src/engine/compare-clusters/saved-state.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { FastClock } from './fast-clock.ts';
import { LaggingWriter } from './lagging-writer.ts';
import { SharedPair } from './shared-pair.ts';
import { verificationOf, verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

const DOCUMENTS = 5_000;
/** Longer than the writer lags. */
const settleMs = 1_500;

const pair = new SharedPair<{ _id: number }>('c', (items) =>
  items.insertMany(identified(DOCUMENTS, { n: 0, text: 'x'.repeat(500) })),
);
const { there } = pair;

test('nothing is invented while a writer writes and the destination lags', async () => {
  await using writer = LaggingWriter.start(pair, { lagMs: 300 });
  await eventually(() => writer.written > 100, { what: 'some writes' });
  const { report, differences } = await verify(pair, { settleMs });
  assert.deepEqual(differences, []);
  assert.equal(report.result, 'EQUAL', report.explanation);
  assert.ok(report.totals.rechecked > 0, 'keys changed meanwhile');
  assert.ok((report.collections[0]?.source.changed ?? 0) > 0);
});

test('differences are found while a writer writes, also of keys that changed behind the comparison', async () => {
  await using writer = LaggingWriter.start(pair, { lagMs: 300, spares: (_id) => _id >= 4_000 });
  await there().deleteOne({ _id: 4_001 });
  let planted = false;
  using _ = onFailpoint('engine.compare.chunk-compared', async () => {
    if (planted) return;
    planted = true;
    // Behind the position of the comparison, or before it.
    await there().updateOne({ _id: 4_002 }, { $set: { n: -1 } });
  });
  const { report, differences } = await verify(pair, { settleMs });
  assert.equal(report.result, 'DIFFERENT');
  assert.deepEqual(
    differences
      .map(({ _id, class: kind, external }) => ({ _id, kind, external }))
      .sort((a, b) => (a.kind < b.kind ? -1 : 1)),
    [
      { _id: { $numberInt: '4002' }, kind: 'DIFFERENT', external: true },
      { _id: { $numberInt: '4001' }, kind: 'MISSING', external: undefined },
    ],
  );
  assert.ok(writer.written > 0);
});

test('an election on either side while a writer writes invents nothing', async () => {
  await using writer = LaggingWriter.start(pair, { lagMs: 300 });
  let elections = 0;
  using _ = onFailpoint('engine.compare.chunk-compared', async () => {
    elections += 1;
    if (elections === 2) await pair.destination.stepDown();
    if (elections === 4) await pair.source.stepDown();
  });
  const { report, differences } = await verify(pair, { settleMs: 5_000, bytesPerSecond: 2_000_000 });
  assert.deepEqual(differences, []);
  assert.equal(report.result, 'EQUAL', report.explanation);
  assert.ok(elections > 4 && writer.written > 0);
});

test('collections and views that are dropped or created again while they are compared are compared as they are then', {
  skip: needsSource('6.0', 'its stream does not show changes of the catalog'),
}, async () => {
  const sides = [pair.source.client.db('shop'), pair.destination.client.db('shop')];
  for (const side of sides) {
    for (const name of ['dropped', 'again', 'only there']) {
      await side.collection<{ _id: number }>(name).insertMany(identified(2_000, { text: 'x'.repeat(500) }));
    }
    await side.createCollection('view', { viewOn: 'c', pipeline: [] });
  }
  await sides[1]?.collection<{ _id: number }>('dropped').deleteOne({ _id: 1 });
  let changed = false;
  using _ = onFailpoint('engine.compare.chunk-compared', async () => {
    if (changed) return;
    changed = true;
    for (const side of sides) {
      await side.dropCollection('dropped');
      await side.dropCollection('view');
      await side.dropCollection('again');
      await side.collection<{ _id: number }>('again').insertMany(identified(10));
    }
    await sides[0]?.dropCollection('only there');
    await sides[1]?.collection<{ _id: number }>('again').deleteOne({ _id: 5 });
  });
  const { report, differences } = await verify(pair, { bytesPerSecond: 2_000_000 });
  assert.ok(changed);
  assert.deepEqual(
    differences.map(({ namespace, _id, class: kind }) => ({ namespace, _id, kind })),
    [{ namespace: 'shop.again', _id: { $numberInt: '5' }, kind: 'MISSING' }],
  );
  assert.deepEqual(
    report.catalogDifferences.map(({ namespace, class: kind }) => ({ namespace, kind })),
    [{ namespace: 'shop.only there', kind: 'COLLECTION_EXTRA' }],
  );
  assert.deepEqual(
    report.collections.map(({ namespace, source }) => `${namespace} ${source.count}`),
    ['shop.again 10', `shop.c ${DOCUMENTS}`],
  );
  assert.equal(report.views, 0);
});

test('a key that never stops changing is undecided, and a run resumes with it', async () => {
  let ended = false;
  let n = 0;
  const busy = (async () => {
    while (!ended) {
      n += 1;
      await pair.source.client.db('shop').collection<{ _id: number }>('c').updateOne({ _id: 1 }, { $set: { n } });
    }
  })();
  let state: SavedState | undefined;
  // Nothing replicates the key, so both sides never agree. The clock makes it give up at once.
  const clock = new FastClock();
  const { report } = await verify(pair, {
    settleMs: 5_000,
    clock,
    save: (saved) => {
      state = saved;
    },
  });
  ended = true;
  await busy;
  assert.equal(report.result, 'UNDECIDED', report.explanation);
  assert.equal(report.collections[0]?.undecided, 1);
  await there().updateOne({ _id: 1 }, { $set: { n } });
  assert.ok(state !== undefined);
  const resumed = await verify(pair, { resume: { state, file: 'state' } });
  assert.equal(resumed.report.result, 'EQUAL', resumed.report.explanation);
  assert.ok(resumed.report.totals.rechecked >= 1);
});

for (const [what, atChunk] of [
  ['a chunk found', 0],
  ['the stream showed', 2],
] as const) {
  test(`a run that was stopped before a difference counted that ${what} finds it when it resumes`, async () => {
    if (atChunk === 0) await there().deleteOne({ _id: 0 });
    const stop = new AbortController();
    let state: SavedState | undefined;
    let chunks = 0;
    using _ = onFailpoint('engine.compare.chunk-compared', async () => {
      chunks += 1;
      // The comparison has passed this key.
      if (chunks === atChunk) await there().deleteOne({ _id: 0 });
    });
    const save = (saved: SavedState) => {
      state = saved;
      if (chunks > 3) stop.abort();
    };
    const stopped = await verificationOf(pair, { settleMs: 60_000, bytesPerSecond: 400_000, save }).run(stop.signal);
    assert.equal(stopped.report.result, 'UNFINISHED');
    assert.deepEqual(stopped.differences, []);
    assert.ok(state !== undefined);
    const { report, differences } = await verify(pair, { resume: { state, file: 'state' } });
    assert.equal(report.result, 'DIFFERENT');
    assert.deepEqual(
      differences.map(({ _id, class: kind }) => ({ _id, kind })),
      [{ _id: { $numberInt: '0' }, kind: 'MISSING' }],
    );
  });
}

test('a resumed run knows of documents that are out of order in a capped collection', async () => {
  for (const { client } of [pair.source, pair.destination]) {
    await client.db('shop').createCollection('log', { capped: true, size: 1_000_000 });
    const order = client === pair.source.client ? [1, 2, 3] : [1, 3, 2];
    await client
      .db('shop')
      .collection<{ _id: number }>('log')
      .insertMany(order.map((_id) => ({ _id })));
  }
  const stop = new AbortController();
  let state: SavedState | undefined;
  const save = (saved: SavedState) => {
    state = saved;
    if (saved.pairs.some(({ namespace, isDone }) => namespace === 'shop.log' && isDone)) stop.abort();
  };
  await verificationOf(pair, { bytesPerSecond: 400_000, save }).run(stop.signal);
  assert.ok(stop.signal.aborted && state !== undefined);
  const { differences } = await verify(pair, { resume: { state, file: 'state' } });
  assert.deepEqual(
    differences.map(({ class: kind }) => kind),
    ['CAPPED_ORDER'],
  );
});

test('a collection that is renamed for a moment is counted once', async () => {
  const admin = pair.destination.client.db('admin');
  let chunks = 0;
  using _ = onFailpoint('engine.compare.chunk-compared', async () => {
    chunks += 1;
    if (chunks !== 2) return;
    await there().updateMany({ _id: { $gte: 4_000 } }, { $set: { n: 1 } });
    await admin.command({ renameCollection: 'shop.c', to: 'shop.other' });
    // The comparison meets the other name first.
    void eventually(() => moved, { what: 'the comparison to notice' }).then(() =>
      admin.command({ renameCollection: 'shop.other', to: 'shop.c' }),
    );
  });
  let moved = false;
  using __ = onFailpoint('engine.compare.pair-moved', () => {
    moved = true;
  });
  const { report } = await verify(pair, { bytesPerSecond: 2_000_000 });
  assert.ok(moved);
  assert.equal(report.result, 'DIFFERENT');
  assert.equal(report.differences.total, 1_000);
  const [collection] = report.collections;
  assert.deepEqual([collection?.source.count, collection?.destination.count], [DOCUMENTS, DOCUMENTS]);
});
