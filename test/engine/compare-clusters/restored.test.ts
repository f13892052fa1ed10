import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SavedState } from '../../../src/engine/compare-clusters/saved-state.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { type BackUp, backUp } from '../../support/back-up.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { verificationOf, verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

const DOCUMENTS = 3_000;

type Side = 'source' | 'destination';

const itemsOf = (set: ReplicaSet) => set.client.db('shop').collection<{ _id: number }>('items');

async function onBoth(
  { source, destination }: ReplicaSetPair,
  change: (items: ReturnType<typeof itemsOf>) => Promise<unknown>,
): Promise<void> {
  for (const set of [source, destination]) await change(itemsOf(set));
}

async function startFilled(): Promise<ReplicaSetPair> {
  const pair = await startPair();
  await onBoth(pair, (items) => items.insertMany(identified(DOCUMENTS, { text: 'x'.repeat(500) })));
  return pair;
}

/** Makes a back-up of one side, and then a change of keys on both that a comparison reads early. */
async function backUpThenChange(pair: ReplicaSetPair, side: Side): Promise<BackUp> {
  const backup = await backUp(pair[side]);
  await onBoth(pair, (items) => items.updateMany({ _id: { $lt: 5 } }, { $set: { changed: true } }));
  return backup;
}

/** The keys that were found, by their class. */
function shown({ differences }: Awaited<ReturnType<typeof verify>>): string[] {
  return differences.map(({ _id, class: kind }) => `${JSON.stringify(_id)} ${kind}`).sort();
}

const EARLY_KEYS = [0, 1, 2, 3, 4].map((key) => `{"$numberInt":"${key}"} DIFFERENT`);

/** Runs until some chunks are compared, and returns the state that it has saved then. */
async function stoppedState(pair: ReplicaSetPair): Promise<SavedState> {
  const stop = new AbortController();
  let state: SavedState | undefined;
  const save = (saved: SavedState) => {
    state = saved;
    if (saved.pairs.some(({ after: key }) => key !== null)) stop.abort();
  };
  const stopped = await verificationOf(pair, { bytesPerSecond: 400_000, save }).run(stop.signal);
  assert.equal(stopped.report.result, 'UNFINISHED');
  assert.ok(state !== undefined);
  return state;
}

for (const side of ['source', 'destination'] as const) {
  test(`a run that resumes after the ${side} was restored from an older backup compares everything anew`, async () => {
    await using pair = await startFilled();
    using backup = await backUpThenChange(pair, side);
    const state = await stoppedState(pair);
    await backup.restore();
    assert.deepEqual(shown(await verify(pair, { resume: { state, file: 'state' } })), EARLY_KEYS);
  });

  test(`a ${side} that is restored from an older backup while it is compared is compared anew`, async () => {
    await using pair = await startFilled();
    using backup = await backUpThenChange(pair, side);
    let chunks = 0;
    using _ = onFailpoint('engine.compare.chunk-compared', async () => {
      chunks += 1;
      if (chunks === 3) await backup.restore();
    });
    const found = await verify(pair, { bytesPerSecond: 4_000_000 });
    assert.ok(chunks > 3);
    assert.deepEqual(shown(found), EARLY_KEYS);
  });

  test(`a restart of the ${side} that loses nothing does not make a comparison start anew`, async () => {
    await using pair = await startFilled();
    const state = await stoppedState(pair);
    const [member] = pair[side].members;
    await member?.kill();
    await member?.restart();
    await pair[side].primary();
    const firsts: number[] = [];
    const save = ({ pairs: [first] }: SavedState) => firsts.push(first?.digests.both.count ?? 0);
    const { report } = await verify(pair, { resume: { state, file: 'state' }, save });
    assert.equal(report.result, 'EQUAL', report.explanation);
    assert.ok((firsts[0] ?? 0) > 0, 'the first saved state has what was compared before');
  });
}
