import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MongoClient } from 'mongodb';
import type { VerificationReport } from '../../../src/contract/index.ts';
import type { SavedState } from '../../../src/engine/compare-clusters/saved-state.ts';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { onceAt } from '../reach-points.ts';
import { FastClock } from './fast-clock.ts';
import { SharedPair } from './shared-pair.ts';
import { verificationOf, verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

const CAPPED_POSITION_LOST = 136;
const INTERRUPTED_DUE_TO_REPL_STATE_CHANGE = 11602;

const pair = new SharedPair<{ _id: number }>('log', (_, shop) =>
  shop.createCollection('log', { capped: true, size: 10_000_000 }),
);

async function append(client: MongoClient, ids: readonly number[]): Promise<void> {
  const log = client.db('shop').collection<{ _id: number }>('log');
  await log.insertMany(ids.map((_id) => ({ _id })));
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

test('the order of a capped collection is compared again when one side lacked too many documents', async () => {
  await append(pair.source.client, numbers(0, 1_510));
  await append(pair.destination.client, [1_501, 1_500, ...numbers(1_502, 1_510)]);
  using _ = onceAt('engine.compare.order-read', () => append(pair.destination.client, numbers(0, 1_500)));
  const { report, differences } = await verify(pair, { settleMs: 5_000 });
  assert.equal(report.result, 'DIFFERENT', report.explanation);
  assert.deepEqual(
    differences.map(({ class: kind }) => kind),
    ['CAPPED_ORDER'],
  );
});

test('an order that cannot be compared is undecided, and a run resumes with it', async () => {
  for (const { client } of [pair.source, pair.destination]) await append(client, numbers(0, 2_500));
  await pair.source.failCommand({
    mode: 'alwaysOn',
    data: { failCommands: ['getMore'], errorCode: CAPPED_POSITION_LOST, namespace: 'shop.log' },
  });
  let state: SavedState | undefined;
  const save = (saved: SavedState) => {
    state = saved;
  };
  // The clock makes it give up soon.
  const { report } = await verify(pair, { clock: new FastClock(), save });
  assert.equal(report.result, 'UNDECIDED', report.explanation);
  assert.match(report.explanation, /natural order of these capped collections .*: shop\.log\./);
  assert.equal(report.collections[0]?.undecided, 0);
  await pair.source.clearFailPoints();
  assert.ok(state !== undefined);
  const resumed = await verify(pair, { resume: { state, file: 'state' } });
  assert.equal(resumed.report.result, 'EQUAL', resumed.report.explanation);
});

test('a run that follows changes looks once a round at an order that it could not compare', async () => {
  for (const { client } of [pair.source, pair.destination]) await append(client, numbers(0, 2_500));
  await pair.source.failCommand({
    mode: 'alwaysOn',
    data: { failCommands: ['getMore'], errorCode: CAPPED_POSITION_LOST, namespace: 'shop.log' },
  });
  let looks = 0;
  using _ = onFailpoint('engine.compare.order-read', () => {
    looks += 1;
  });
  const rounds: { readonly result: string; readonly looks: number }[] = [];
  const onReport = ({ result }: VerificationReport) => {
    rounds.push({ result, looks });
    looks = 0;
  };
  const stop = new AbortController();
  const ended = verificationOf(pair, { clock: new FastClock(), follow: true, onReport }).run(stop.signal);
  await eventually(() => rounds.length >= 3, { what: 'three results' });
  await pair.source.clearFailPoints();
  await eventually(() => rounds.at(-1)?.result === 'EQUAL', { what: 'the order to be compared' });
  stop.abort();
  await ended;
  const [first, ...others] = rounds;
  assert.ok((first?.looks ?? 0) > 1, 'the first round has patience');
  assert.deepEqual(others.slice(0, 2), Array(2).fill({ result: 'UNDECIDED', looks: 1 }));
});

for (const [what, errorCode] of [
  ['ended with a failover', INTERRUPTED_DUE_TO_REPL_STATE_CHANGE],
  ['ended with a lost cursor', CAPPED_POSITION_LOST],
] as const) {
  test(`an order is compared again after a look of more than a minute that ${what}`, async () => {
    for (const { client } of [pair.source, pair.destination]) await append(client, numbers(0, 2_500));
    // By the clock of the run, the reply takes 80 s.
    await pair.source.failCommand({
      mode: { times: 1 },
      data: { failCommands: ['getMore'], errorCode, namespace: 'shop.log', blockConnection: true, blockTimeMS: 4_000 },
    });
    const { report } = await verify(pair, { clock: new FastClock() });
    assert.equal(report.result, 'EQUAL', report.explanation);
  });
}

test('an order of which one side lacks too many documents all the time is not taken as equal', async () => {
  await append(pair.source.client, numbers(0, 1_510));
  await append(pair.destination.client, numbers(1_500, 1_510));
  const { report } = await verify(pair, { clock: new FastClock() });
  assert.equal(report.differences.total, 1_500);
  assert.match(report.explanation, /natural order of these capped collections .*: shop\.log\./);
});
