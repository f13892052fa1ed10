import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SavedState } from '../../../src/engine/compare-clusters/saved-state.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { onceAt } from '../reach-points.ts';
import { verificationOf, verify } from './verify-pair.ts';

checkForLeaks();

/** Makes a user who may read everything, with or without change streams. */
async function readerOf(set: ReplicaSet, user: string, actions: readonly string[]): Promise<string> {
  const privileges = [
    { resource: { db: '', collection: '' }, actions },
    { resource: { cluster: true }, actions: ['listDatabases'] },
  ];
  await set.client.db('admin').command({ createRole: `${user}-role`, privileges, roles: [] });
  await set.createUser(user, 'secret', [`${user}-role`]);
  return set.uriFor(user, 'secret');
}

test('without the privilege for a stream a run compares, and says what the result then means; without more it names what it lacks', async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  for (const { client } of [pair.source, pair.destination]) {
    await client.db('shop').collection<{ _id: number }>('c').insertMany(identified(100));
  }
  const reads = ['find', 'listCollections', 'listIndexes'];
  const watching = await readerOf(pair.source, 'watching', [...reads, 'changeStream']);
  const blind = await readerOf(pair.destination, 'blind', reads);
  const nobody = await readerOf(pair.destination, 'nobody', ['listCollections']);
  // An oplog without new entries need not be read.
  using _ = onceAt('engine.compare.chunk-compared', () =>
    pair.source.client.db('admin').command({ appendOplogNote: 1, data: {} }),
  );
  const { report } = await verify(pair, { source: { uri: watching }, destination: { uri: blind } });
  assert.equal(report.result, 'EQUAL', report.explanation);
  assert.deepEqual([report.source.watched, report.destination.watched], [true, false]);
  assert.match(report.explanation, /if no one wrote to the destination while the comparison ran/);
  assert.equal(report.source.oplogRead, false);
  assert.match(report.explanation, /The user may not read the oplog of the source: the result holds only if/);
  assert.equal(report.collections[0]?.destination.changed, null);
  await assert.rejects(verify(pair, { source: { uri: watching }, destination: { uri: blind }, follow: true }), {
    code: 'VERIFICATION_REFUSED',
  });
  await assert.rejects(verify(pair, { source: { uri: watching }, destination: { uri: nobody } }), {
    code: 'VERIFICATION_REFUSED',
  });
});

test('a resumed run reads differences again that no one could see disappear', async () => {
  await using pair = await startPair({ destination: { auth: true } });
  for (const { client } of [pair.source, pair.destination]) {
    const collection = client.db('shop').collection<{ _id: number }>('c');
    await collection.insertMany(identified(3_000, { text: 'x'.repeat(1_000) }));
  }
  const there = pair.destination.client.db('shop').collection<{ _id: number }>('c');
  await there.updateOne({ _id: 1 }, { $set: { text: '' } });
  const destination = { uri: await readerOf(pair.destination, 'blind', ['find', 'listCollections', 'listIndexes']) };
  const stop = new AbortController();
  let state: SavedState | undefined;
  const save = (saved: SavedState) => {
    state = saved;
    if (saved.differences.listed.length > 0) stop.abort();
  };
  const stopped = await verificationOf(pair, { destination, bytesPerSecond: 400_000, save }).run(stop.signal);
  assert.equal(stopped.differences.length, 1);
  assert.ok(state !== undefined);
  await there.updateOne({ _id: 1 }, { $set: { text: 'x'.repeat(1_000) } });
  const { report } = await verify(pair, { destination, resume: { state, file: 'state' } });
  assert.equal(report.result, 'EQUAL', report.explanation);
});
