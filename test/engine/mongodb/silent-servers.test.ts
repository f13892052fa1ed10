import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import type { Progress } from '../../../src/contract/index.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';
import { soonGone } from '../silent-server.ts';

const SOON_MS = 20_000;
/** The cutover's own. */
const LONGEST_PAUSE_MS = 60_000;

const skip = needsSource('6.0', 'it has no write block');

describe('a server that falls silent', async () => {
  // id: silence-detected
  test('is detected in the copy, while following and in the write pause, on either side, and the migration continues', {
    skip,
  }, async () => {
    await using pair = await startPair({ source: { proxied: true }, destination: { proxied: true } });
    await fill(pair.source);
    await using writer = await startLedgerWriter({
      clients: [pair.source.client],
      namespaces: ['shop.a'],
      seed: 15,
      ratePerSecond: 100,
    });
    await using running = RunningMigration.start({
      source: soonGone(pair.source),
      destination: soonGone(pair.destination),
    });
    // The copy does not end by itself, however slow the machine is.
    running.steering.limit({ copyBytesPerSecond: 100_000 });
    await running.until('the copy to begin', ({ copy }) => copy.partitionsTotal > 0);
    await silence(pair, running, 'source');
    assert.equal(running.progress.state, 'COPYING', 'the source fell silent during the copy');
    await silence(pair, running, 'destination');
    running.steering.limit({ copyBytesPerSecond: null });
    await running.untilReady();
    for (const side of ['source', 'destination'] as const) {
      await silence(pair, running, side);
      await running.untilReady();
    }
    await writer.stop();

    let silenced = false;
    using _ = onFailpoint('engine.cutover.source-blocked', async () => {
      if (silenced) return;
      silenced = true;
      blackHole(pair.destination, true);
      void seesWait(running, 'destination').finally(() => blackHole(pair.destination, false));
    });
    await running.commit();
    assert.ok(silenced, 'the destination fell silent in the write pause');
    await expectIdentical(pair);
  });

  // id: silence-opens-source
  test('does not keep the source blocked: after the deadline it is opened, whether the destination answers or not', {
    skip,
  }, async () => {
    await using pair = await startPair({ destination: { proxied: true } });
    await fill(pair.source);
    await using running = RunningMigration.start({ source: pair.source, destination: soonGone(pair.destination) });
    await running.untilReady();
    const over = new AbortController();
    const { timeout } = AbortSignal;
    const deadline = mock.method(AbortSignal, 'timeout', (ms: number) =>
      ms === LONGEST_PAUSE_MS && !over.signal.aborted ? over.signal : timeout.call(AbortSignal, ms),
    );
    using _ = onFailpoint('engine.cutover.source-blocked', () => {
      if (!over.signal.aborted) blackHole(pair.destination, true);
    });
    try {
      running.steering.cutOver();
      await running.until('the pause', ({ cutover }) => cutover?.blocking === true);
      await seesWait(running, 'destination');
      over.abort();
      const items = pair.source.client.db('shop').collection('a');
      await eventually(() => items.insertOne({ after: 'the deadline' }), { what: 'a write' });
      blackHole(pair.destination, false);
      await running.outcome;
    } finally {
      deadline.mock.restore();
    }
    await expectIdentical(pair);
  });

  // id: slow-is-not-silent
  test('is not one that is slow, which is waited for', async () => {
    await using pair = await startPair({ source: { proxied: true }, destination: { proxied: true } });
    await fill(pair.source);
    // A batch of the copy, an index build and a batch of changes each take longer than the silence after which a server counts as lost.
    for (const proxy of [...pair.source.proxies, ...pair.destination.proxies]) proxy.set({ bytesPerSecond: 1_500_000 });
    const slow = { blockConnection: true, blockTimeMS: 3_000 };
    await pair.destination.failCommand({
      mode: 'alwaysOn',
      data: { failCommands: ['createIndexes'], appName: 'linkspan-destination', ...slow },
    });
    await using running = RunningMigration.start({
      source: soonGone(pair.source),
      destination: soonGone(pair.destination),
    });
    const waits: Progress['waiting'][number][] = [];
    const noWaits = ({ waiting, readyForCutover }: Progress) => {
      waits.push(...waiting);
      return readyForCutover;
    };
    await running.until('the slow copy and its indexes to be done', noWaits);
    await pair.destination.clearFailPoints();
    await pair.source.failCommand({
      mode: { times: 1 },
      data: { failCommands: ['getMore'], appName: 'linkspan-source', ...slow },
    });
    await pair.source.client.db('shop').collection('a').insertOne({ late: true });
    const { applied } = running.progress.changes;
    await running.until('the slow change', (progress) => noWaits(progress) && progress.changes.applied > applied);
    assert.deepEqual(waits, []);
  });

  // id: far-is-not-silent
  test('is not one that is far away, which is reported as lag', async () => {
    await using pair = await startPair({ source: { proxied: true }, destination: { proxied: true } });
    await fill(pair.source);
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    for (const proxy of [...pair.source.proxies, ...pair.destination.proxies]) proxy.set({ latencyMs: 2_000 });
    await pair.source.client.db('shop').collection('a').insertOne({ late: true });
    const { applied } = running.progress.changes;
    let mostLag = 0;
    const waits: Progress['waiting'][number][] = [];
    await running.until('the late change', ({ changes, lagSeconds, waiting }) => {
      mostLag = Math.max(mostLag, lagSeconds ?? 0);
      waits.push(...waiting);
      return changes.applied > applied;
    });
    assert.deepEqual(waits, []);
    assert.ok(mostLag >= 2, `a lag of ${mostLag} s`);
    for (const proxy of [...pair.source.proxies, ...pair.destination.proxies]) proxy.set({});
    const inStep = () => pair.destination.client.db('shop').collection('a').findOne({ late: true });
    assert.ok(await eventually(inStep, { what: 'the late document' }));
  });
});

/** Has one side fall silent until the engine says that it waits for it, and waits until it does no longer. */
async function silence(pair: ReplicaSetPair, running: RunningMigration, side: 'source' | 'destination'): Promise<void> {
  blackHole(pair[side], true);
  await seesWait(running, side);
  blackHole(pair[side], false);
  await running.until('the wait to end', ({ waiting }) => waiting.length === 0);
}

async function seesWait(running: RunningMigration, side: 'source' | 'destination'): Promise<void> {
  const since = Date.now();
  await running.until(`a wait for the ${side}`, ({ waiting }) => waiting.some((wait) => wait.for.endsWith(side)));
  assert.ok(Date.now() - since < SOON_MS, 'it was found out soon');
  const { waiting, notReadyReasons, readyForCutover, warnings } = running.progress;
  const wait = waiting.find((one) => one.for.endsWith(side));
  assert.ok(wait !== undefined && Date.parse(wait.since) >= since && wait.reason.length > 10, JSON.stringify(waiting));
  assert.equal(readyForCutover, false);
  const said = `Waiting for ${wait.for} since ${wait.since}`;
  assert.ok(
    warnings.some((warning) => warning.startsWith(said)),
    warnings.join('\n'),
  );
  if (running.progress.state === 'FOLLOWING') assert.ok(notReadyReasons.some((reason) => reason.startsWith(said)));
}

function blackHole(set: ReplicaSet, is: boolean): void {
  for (const proxy of set.proxies) proxy.set({ blackHole: is });
}

async function fill(set: ReplicaSet): Promise<void> {
  const documents = numbered(2_500, { text: 'x'.repeat(2_000) });
  for (const name of ['a', 'b']) {
    await set.client
      .db('shop')
      .collection(name)
      .insertMany(documents.map((one) => ({ ...one })));
    await set.client.db('shop').collection(name).createIndex({ n: 1 });
  }
}
