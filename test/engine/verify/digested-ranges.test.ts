import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BSON, Timestamp, UUID } from 'mongodb';
import { DocumentBatch } from '../../../src/engine/bson/document-batch.ts';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { digestOf } from '../../../src/engine/compare/range-digest.ts';
import type { DigestHelper } from '../../../src/engine/index.ts';
import { DigestedRanges } from '../../../src/engine/verify/digested-ranges.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const entry = { database: 'shop', name: 'items', type: 'collection', uuid: new UUID(), options: new Map() };
const collection = new TrackedCollection(entry, entry);
collection.destinationUuid = new UUID();
const hold = async () => ({ [Symbol.dispose]: () => undefined });

/** Ranges of a source with one document, and the questions and log lines that they lead to. */
function rangesOf(_id: unknown, ask: () => Promise<unknown>, afterClusterTime: Timestamp | undefined) {
  const documents = DocumentBatch.of([Buffer.from(BSON.serialize({ _id }))]);
  const told: string[] = [];
  let asked = 0;
  let nowMs = 0;
  const tell = ({ event }: { event: string }) => void told.push(event);
  const unconnected = unconnectedContext(new AbortController().signal);
  const context = {
    ...unconnected,
    clock: { ...unconnected.clock, elapsed: () => nowMs },
    fence: { afterOwnWrites: { level: 'majority', afterClusterTime } },
    logger: { info: tell, warn: tell },
  };
  const helper = {
    host: 'helper-1',
    ask: async () => {
      asked += 1;
      return await ask();
    },
  };
  const ranges = new DigestedRanges(context as never, helper as unknown as DigestHelper);
  const source = { read: async () => ({ documents }) };
  const compare = () =>
    ranges.compare(collection, source as never, { after: undefined, high: undefined, limit: 1 }, hold);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { ranges, compare, told, pass, digest: digestOf(documents), asked: () => asked };
}

const TIME = new Timestamp({ t: 5, i: 1 });

test('a range whose key is too long for a question, or without a time to read at, is read and not asked for', async () => {
  for (const [_id, time] of [
    ['k'.repeat(3_000), TIME],
    ['k', undefined],
  ] as const) {
    const { compare, asked, ranges } = rangesOf(_id, () => Promise.reject(new Error('refused')), time);
    assert.equal(await compare(), undefined);
    assert.deepEqual([asked(), ranges.unanswered], [0, undefined]);
  }
});

test('a digest helper that fails for several ranges at once is asked again after the pause of one failure', async () => {
  const failing = Promise.withResolvers<unknown>();
  const { compare, pass, asked } = rangesOf('k', () => failing.promise, TIME);
  const first = [compare(), compare(), compare()];
  await setImmediate();
  pass(1);
  failing.reject(new Error('no route to it'));
  await Promise.all(first);
  assert.equal(asked(), 3);
  pass(1_500);
  await compare();
  assert.equal(asked(), 4);
});

test('the log says once that a digest helper is silent, and once that it answers again', async () => {
  let answer: () => Promise<unknown> = () => Promise.reject(new Error('no route to it'));
  const { compare, told, pass, digest } = rangesOf('k', () => answer(), TIME);
  await compare();
  answer = async () => digest;
  for (let n = 0; n < 2; n += 1) {
    pass(600_000);
    assert.equal((await compare())?.documents, 1);
  }
  assert.deepEqual(told, ['verification.digests_unanswered', 'verification.digests_answered']);
});
