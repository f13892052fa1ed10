import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SavedState } from '../../../src/engine/compare-clusters/saved-state.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { verificationOf, verify } from './verify-pair.ts';

checkForLeaks();

test('a key that changed between two runs is found by the third when the second is killed as soon as it has resumed', async () => {
  await using pair = await startPair();
  for (const { client } of [pair.source, pair.destination]) {
    const collection = client.db('shop').collection<{ _id: number }>('c');
    await collection.insertMany(identified(5_000, { text: 'x'.repeat(500) }));
  }
  /** Runs until a state is saved that fits, and returns that one: the run is killed right then. */
  const stateOf = async (fits: (state: SavedState) => boolean, resume?: SavedState): Promise<SavedState> => {
    const stop = new AbortController();
    let first: SavedState | undefined;
    const save = (state: SavedState) => {
      if (!fits(state)) return;
      first ??= state;
      stop.abort();
    };
    const resumed = resume && { resume: { state: resume, file: 'state' } };
    await verificationOf(pair, { settleMs: 60_000, bytesPerSecond: 400_000, save, ...resumed }).run(stop.signal);
    assert.ok(first !== undefined);
    return first;
  };
  const stopped = await stateOf(({ pairs: [first] }) => typeof first?.after === 'string');
  await pair.destination.client.db('shop').collection<{ _id: number }>('c').deleteOne({ _id: 0 });
  const killed = await stateOf(() => true, stopped);
  assert.equal(killed.pairs[0]?.changes.destination, 1, 'the second run has seen the change');

  const { report, differences } = await verify(pair, { resume: { state: killed, file: 'state' } });
  assert.equal(report.result, 'DIFFERENT', report.explanation);
  assert.deepEqual(
    differences.map(({ _id, class: kind }) => ({ _id, kind })),
    [{ _id: { $numberInt: '0' }, kind: 'MISSING' }],
  );
});
