import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoServerError, Timestamp, UUID } from 'mongodb';
import { unchangedCollections } from '../../../src/engine/cutover/unchanged-collections.ts';
import { UserError } from '../../../src/platform/index.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const TIME = new Timestamp({ t: 5, i: 1 });

/** Which collections are unchanged when a read of the destination's oplog ends so. */
function unchangedAfter(since: Timestamp | undefined, read: () => Promise<undefined>) {
  const context = unconnectedContext(new AbortController().signal);
  const fence = { confirm: async () => undefined, afterOwnWrites: { level: 'majority', afterClusterTime: TIME } };
  const run = async (what: string) => (what === 'the destination' ? undefined : await read());
  context.tracked.set('items', { destinationUuid: new UUID() } as never);
  return unchangedCollections({ ...context, fence, retrier: { run } } as never, since);
}

test('no collection counts as unchanged where the oplog of the destination can not tell', async () => {
  const refused = new MongoServerError({ message: 'not authorized', code: 13 });
  assert.deepEqual(await unchangedAfter(TIME, () => Promise.reject(refused)), []);
  let reads = 0;
  const read = async () => {
    reads += 1;
    return undefined;
  };
  assert.deepEqual(await unchangedAfter(undefined, read), []);
  assert.equal(reads, 0);
  assert.deepEqual(await unchangedAfter(TIME, read), []);
  assert.equal(reads, 1);
});

test('an engine whose migration was taken meanwhile ends, and reports no unchanged collections', async () => {
  const taken = new UserError('TAKEN_OVER', ['m']);
  await assert.rejects(
    unchangedAfter(TIME, () => Promise.reject(taken)),
    taken,
  );
});
