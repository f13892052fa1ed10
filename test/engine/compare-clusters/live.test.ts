import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { onReach } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, identified } from '../../support/seeds.ts';
import { LaggingWriter } from './lagging-writer.ts';
import { verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

const DOCUMENTS = 5_000;
/** Longer than the writer lags. */
const settleMs = 1_500;

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair();
});
after(() => pair[Symbol.asyncDispose]());
beforeEach(async () => {
  await emptyPair(pair);
  for (const { client } of [pair.source, pair.destination]) {
    await client
      .db('shop')
      .collection<{ _id: number }>('c')
      .insertMany(identified(DOCUMENTS, { n: 0, text: 'x'.repeat(500) }));
  }
});

const there = () => pair.destination.client.db('shop').collection<{ _id: number }>('c');

test('nothing is invented while a writer writes and the destination lags', async () => {
  await using writer = LaggingWriter.start(pair, { lagMs: 300 });
  await eventually(() => writer.written > 100, { what: 'some writes' });
  const { report, differences } = await verify(pair, { settleMs });
  assert.deepEqual(differences, []);
  assert.equal(report.result, 'equal', report.explanation);
  assert.ok(report.totals.rechecked > 0, 'keys changed meanwhile');
  assert.ok((report.collections[0]?.source.changed ?? 0) > 0);
});

test('differences are found while a writer writes, also of keys that changed behind the comparison', async () => {
  await using writer = LaggingWriter.start(pair, { lagMs: 300, spares: (_id) => _id >= 4_000 });
  await there().deleteOne({ _id: 4_001 });
  let planted = false;
  using _ = onReach('engine.compare.chunk-compared', async () => {
    if (planted) return;
    planted = true;
    // Behind the position of the comparison, or before it.
    await there().updateOne({ _id: 4_002 }, { $set: { n: -1 } });
  });
  const { report, differences } = await verify(pair, { settleMs });
  assert.equal(report.result, 'different');
  assert.deepEqual(
    differences
      .map(({ _id, class: kind, foreign }) => ({ _id, kind, foreign }))
      .sort((a, b) => (a.kind < b.kind ? -1 : 1)),
    [
      { _id: { $numberInt: '4002' }, kind: 'different', foreign: true },
      { _id: { $numberInt: '4001' }, kind: 'missing', foreign: undefined },
    ],
  );
  assert.ok(writer.written > 0);
});
