import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import type { MongoClient } from 'mongodb';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { orderComparison } from './ordered-pair.ts';

const RUNS = 30;
/** The memory of a thread: less than a quarter of what all keys of `manyKeys` take. */
const HEAP_MEGABYTES = 48;
const KEY_BYTES = 8_000;
const MANY = 7_500;
/** More keys than a reply has. */
const SEVERAL_REPLIES = 22_000;

type Key = number | string;

let pair: ReplicaSetPair;
let isInOrder: (name: string) => Promise<boolean>;
before(async () => {
  pair = await startPair();
  isInOrder = await orderComparison({ source: pair.source.client, destination: pair.destination.client });
});
after(() => pair[Symbol.asyncDispose]());

const CASES: readonly (readonly [
  what: string,
  source: readonly Key[],
  destination: readonly Key[],
  isInOrder: boolean,
])[] = [
  ['the same documents', [1, 2, 3], [1, 2, 3], true],
  ['no documents', [], [], true],
  ['no documents on one side', [1, 2, 3], [], true],
  ['no document in common', [1, 2], [3, 4], true],
  ['older documents on the source', [1, 2, 3, 4], [3, 4], true],
  ['older documents on the destination', [3, 4], [1, 2, 3, 4], true],
  ['other old documents on each side', [1, 3, 4], [2, 3, 4], true],
  ['newer documents on the source', [1, 2, 3, 4], [1, 2], true],
  ['newer documents on the destination', [1, 2], [1, 2, 3, 4], true],
  ['other new documents on each side', [1, 2, 3], [1, 2, 4, 5], true],
  ['two documents in another order', [1, 2, 3, 4], [1, 3, 2, 4], false],
  ['the oldest document as the newest', [1, 2, 3], [2, 3, 1], false],
  ['the newest document as the oldest', [1, 2, 3], [3, 1, 2], false],
  ['a document in the middle missing', [1, 2, 3], [1, 3], false],
  ['a document in the middle that the source lacks', [1, 3], [1, 2, 3], false],
  ['another document in the middle', [1, 2, 3], [1, 4, 3], false],
  ['a document missing before the newest ones', [1, 2, 3, 4, 5], [1, 3, 6], false],
  ['keys that the server takes as equal', [1, 2, 'x', 3], [1, 2, 'x', 3], true],
];

for (const [what, left, right, expected] of CASES)
  test(`${what}: a capped collection counts as ${expected ? 'in order' : 'out of order'}`, async () => {
    assert.equal(await compare(left, right), expected);
  });

test('thousands of documents at the ends that one side lacks do not count, and one behind them does', async () => {
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
  assert.equal(await compare(range(0, 12_000), [...range(5_000, 7_000), ...range(20_000, 24_000)]), true);
  assert.equal(
    await compare([...range(0, 12_000), 30_000], [...range(5_000, 7_000), ...range(20_000, 24_000), 30_000]),
    false,
  );
});

test('an order counts as equal exactly when the documents from the first to the last common one are the same', async () => {
  const keys = fc.shuffledSubarray([1, 2, 3, 4, 5, 6]);
  const sorted = keys.map((some) => some.toSorted((a, b) => a - b));
  const property = fc.asyncProperty(fc.oneof(keys, sorted), fc.oneof(keys, sorted), async (left, right) => {
    const [inner, others] = [between(left, right), between(right, left)];
    assert.equal(await compare(left, right), inner.join() === others.join());
  });
  await fc.assert(property, { numRuns: RUNS, seed: 33 });
});

test('comparing an order takes no memory for each document', async () => {
  const name = 'large';
  for (const client of clients()) await fill(client, name, manyKeys());
  const { source, destination } = pair;
  const worker = new Worker(new URL('./order-worker.ts', import.meta.url), {
    workerData: { name, sourceUri: source.uri, destinationUri: destination.uri },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  });
  const [answer] = await once(worker, 'message');
  assert.equal(answer, true);
  await worker.terminate();
});

test('a capped collection that discards documents faster than they are read is compared as far as it has them', async () => {
  const keys = Array.from({ length: SEVERAL_REPLIES }, (_, n) => n);
  for (const client of clients()) await fill(client, 'restless', keys);
  const CAPPED_POSITION_LOST = 136;
  await pair.source.failCommand({
    mode: { times: 1 },
    data: { failCommands: ['getMore'], errorCode: CAPPED_POSITION_LOST, namespace: 'shop.restless' },
  });
  assert.equal(await isInOrder('restless'), true);
});

test('the comparison of an order begins again when a server loses a cursor', async () => {
  const keys = Array.from({ length: SEVERAL_REPLIES }, (_, n) => n);
  for (const client of clients()) await fill(client, 'lost', keys);
  const CURSOR_NOT_FOUND = 43;
  const data = { failCommands: ['getMore'], errorCode: CURSOR_NOT_FOUND, namespace: 'shop.lost' };
  for (const set of [pair.source, pair.destination]) await set.failCommand({ mode: { times: 1 }, data });
  assert.equal(await isInOrder('lost'), true);
});

/** Returns the keys from the first to the last one that the other side has, too. */
function between(keys: readonly Key[], others: readonly Key[]): readonly Key[] {
  const isCommon = (key: Key) => others.includes(key);
  const first = keys.findIndex(isCommon);
  return first < 0 ? [] : keys.slice(first, keys.findLastIndex(isCommon) + 1);
}

function clients(): readonly [MongoClient, MongoClient] {
  return [pair.source.client, pair.destination.client];
}

async function compare(left: readonly Key[], right: readonly Key[]): Promise<boolean> {
  const [source, destination] = clients();
  await fill(source, 'log', left);
  await fill(destination, 'log', right);
  return await isInOrder('log');
}

/** Makes a capped collection anew, with documents in this order. */
async function fill(client: MongoClient, name: string, keys: Iterable<Key>): Promise<void> {
  const database = client.db('shop');
  await database.dropCollection(name);
  const log = await database.createCollection<{ _id: Key }>(name, { capped: true, size: 1_000_000_000 });
  let batch: { _id: Key }[] = [];
  for (const _id of keys) {
    batch.push({ _id });
    if (batch.length < 10_000) continue;
    await log.insertMany(batch);
    batch = [];
  }
  if (batch.length > 0) await log.insertMany(batch);
}

function* manyKeys(): Generator<string> {
  for (let n = 0; n < MANY; n += 1) yield String(n).padStart(KEY_BYTES, '0');
}
