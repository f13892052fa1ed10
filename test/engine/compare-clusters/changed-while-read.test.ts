import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterVerification } from '../../../src/engine/compare-clusters/cluster-verification.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { identified } from '../../support/seeds.ts';
import { holdAt } from '../reach-points.ts';
import { SharedPair } from './shared-pair.ts';
import { verificationOf } from './verify-pair.ts';

checkForLeaks({ sockets: false });

interface Numbered {
  _id: number;
  n: number;
}

const pair = new SharedPair<Numbered>('c', (items) => items.insertMany(identified(10, { n: 0 })));

const { here, there } = pair;

/** A run that follows changes. Disposing stops it. */
class FollowingRun implements AsyncDisposable {
  /** The results of all rounds. */
  readonly results: string[] = [];
  /** Changes of both sides that their streams have shown. */
  shown = 0;
  readonly #verification: ClusterVerification;
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;

  private constructor(repair: boolean) {
    this.#verification = verificationOf(pair, {
      follow: true,
      repair,
      onReport: ({ result }) => this.results.push(result),
      save: ({ pairs: [first] }) => {
        this.shown = (first?.changes.source ?? 0) + (first?.changes.destination ?? 0);
      },
    });
    this.#ended = this.#verification.run(this.#stop.signal);
  }

  /** Starts a run, and waits for its first result. */
  static async start({ repair = false } = {}): Promise<FollowingRun> {
    const run = new FollowingRun(repair);
    await eventually(() => run.results.length > 0, { what: 'the first result' });
    assert.deepEqual(run.results, ['EQUAL']);
    return run;
  }

  get differences(): number {
    return this.#verification.progress().differences;
  }

  async untilShown(changes: number): Promise<void> {
    await eventually(() => this.shown >= changes, { what: `${changes} changes to be shown` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}

/** Makes two changes on the destination that leave the document as it is. */
async function changeAndChangeBack(): Promise<void> {
  await pair.destination.client.withSession((session) =>
    session.withTransaction(async () => {
      for (const n of [1, 0]) await there().updateOne({ _id: 1 }, { $set: { n } }, { session });
    }),
  );
}

/** Holds both streams before their next read. Disposing lets them continue. */
async function holdStreams(): Promise<Disposable> {
  const released = Promise.withResolvers<void>();
  let held = 0;
  const listening = onFailpoint('engine.compare.stream-read', async () => {
    held += 1;
    await released.promise;
  });
  await eventually(() => held === 2, { what: 'both streams to be held' });
  return {
    [Symbol.dispose]: () => {
      released.resolve();
      listening[Symbol.dispose]();
    },
  };
}

test('a key that changes while it is read again is read once more, although the result waits for it', async () => {
  await using run = await FollowingRun.start();
  using held = holdAt('engine.compare.rechecked', { times: 1 });
  await changeAndChangeBack();
  await held.reached;
  let isAwaited = false;
  using _ = onFailpoint('engine.compare.times-fixed', () => {
    isAwaited = true;
  });
  await eventually(() => isAwaited, { what: 'the result to wait for the key' });
  await there().deleteOne({ _id: 1 });
  await run.untilShown(3);
  held.release();
  await eventually(() => run.results.at(-1) === 'DIFFERENT', { what: 'the missing document to be found' });
});

test('a change before the time of a result counts in it, although its key was being read', async () => {
  await using run = await FollowingRun.start();
  using earlier = holdAt('engine.compare.times-fixed', { times: 1 });
  using read = holdAt('engine.compare.rechecked', { times: 1 });
  await earlier.reached;
  const before = run.results.length;
  await changeAndChangeBack();
  await read.reached;
  await there().deleteOne({ _id: 1 });
  await run.untilShown(3);
  using later = holdAt('engine.compare.times-fixed', { times: 1 });
  earlier.release();
  await later.reached;
  read.release();
  later.release();
  await eventually(() => run.results.length >= before + 2, { what: 'the result at the later time' });
  assert.deepEqual(run.results.slice(before, before + 2), ['EQUAL', 'DIFFERENT']);
});

for (const [what, repair, point] of [
  ['counts as different', false, 'engine.compare.judging'],
  ['is repaired', true, 'engine.compare.repairs-recorded'],
] as const) {
  test(`a key that changes while it is read before it ${what} is read once more when both sides were equal`, async () => {
    await using run = await FollowingRun.start({ repair });
    using held = holdAt(point, { times: 1 });
    // No repair overwrites what only the destination changed.
    const changing = repair ? here() : there();
    await changing.updateOne({ _id: 1 }, { $set: { n: -1 } });
    await held.reached;
    using read = holdAt('engine.compare.documents-read', { times: 1 });
    {
      using _ = await holdStreams();
      await changing.updateOne({ _id: 1 }, { $set: { n: 0 } });
      held.release();
      await read.reached;
    }
    await changing.deleteOne({ _id: 1 });
    await run.untilShown(3);
    read.release();
    if (repair) await eventually(async () => (await there().countDocuments()) === 9, { what: 'the repair' });
    else await eventually(() => run.results.at(-1) === 'DIFFERENT', { what: 'the missing document to be found' });
  });
}

test('a key that changes while another one is judged does not count before it has lasted', async () => {
  await using run = await FollowingRun.start();
  using held = holdAt('engine.compare.judging', { times: 1 });
  // One reply of the stream shows both, so that they are judged together.
  await pair.destination.client.withSession((session) =>
    session.withTransaction(() => there().updateMany({ _id: { $in: [1, 2] } }, { $set: { n: -1 } }, { session })),
  );
  await held.reached;
  await here().updateOne({ _id: 2 }, { $set: { n: 5 } });
  await run.untilShown(3);
  let counted: number | undefined;
  using _ = onFailpoint('engine.compare.rechecked', () => {
    counted ??= run.differences;
  });
  held.release();
  await eventually(() => run.differences === 2, { what: 'both keys to count' });
  assert.equal(counted, 1, 'the second key was read again before it counted');
});

test('a repair does not write what it has read before both sides changed', async () => {
  await using run = await FollowingRun.start({ repair: true });
  using held = holdAt('engine.compare.repairs-recorded', { times: 1 });
  let repaired = 0;
  using _ = onFailpoint('engine.compare.repaired', () => {
    repaired += 1;
  });
  await here().updateOne({ _id: 1 }, { $set: { n: -1 } });
  await held.reached;
  using read = holdAt('engine.compare.documents-read', { times: 1 });
  held.release();
  await read.reached;
  for (const collection of [here(), there()]) await collection.updateOne({ _id: 1 }, { $set: { n: 5 } });
  await run.untilShown(3);
  const before = run.results.length;
  read.release();
  await eventually(() => run.results.length > before + 1, { what: 'two more results' });
  assert.equal(run.results.at(-1), 'EQUAL');
  assert.equal(repaired, 0);
  assert.equal((await there().findOne({ _id: 1 }))?.n, 5);
});
