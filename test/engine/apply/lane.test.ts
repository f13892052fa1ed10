import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UUID } from 'mongodb';
import type { DirtyKey } from '../../../src/engine/apply/dirty-key.ts';
import { Lane } from '../../../src/engine/apply/lane.ts';
import type { Spool } from '../../../src/engine/apply/spool.ts';
import { keyFromBytes } from '../../../src/engine/bson/document-key.ts';
import { BSON_TYPE } from '../../../src/engine/bson/elements.ts';
import { IndexKeeper } from '../../../src/engine/collections/index-keeper.ts';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { holdAt } from '../reach-points.ts';
import { unconnectedContext } from '../unconnected-context.ts';

/** A collection whose keys a lane hands to the spool. */
function quarantine(name: string): TrackedCollection {
  const entry = { database: 'shop', name, type: 'collection', uuid: new UUID(), options: new Map() };
  const collection = new TrackedCollection(entry, entry);
  for (const kind of ['created', 'plan begun', 'planned', 'copied'] as const) collection.advance({ kind });
  return collection;
}

/**
 * A lane that runs, and hands all keys to a spool.
 * @param flush  ends a collection's turn
 * @param lingersForever  whether a batch that waits for more keys is never sent
 */
function startLane({ flush = async () => {}, isHurried = false, lingersForever = false } = {}) {
  const spooled: string[] = [];
  const spool = {
    add: (collection: TrackedCollection) => spooled.push(collection.sourceName),
    flush,
    holdUntil: () => undefined,
  } as unknown as Spool;
  const stop = new AbortController();
  const context = unconnectedContext(stop.signal);
  context.checkpoint.saveCollection = async () => undefined;
  const ended = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  if (lingersForever) context.clock = { ...systemClock, sleep: () => ended };
  const settled: unknown[] = [];
  const displaced = {
    record: async () => undefined,
    settle: async (_: TrackedCollection, dirty: readonly DirtyKey[]) => {
      settled.push(...dirty.map(({ displacedBy }) => [displacedBy, spooled.length]));
    },
  };
  const indexes = new IndexKeeper(context, () => undefined);
  const lane = new Lane(
    context,
    { indexes, spool, displaced },
    {
      applied: () => undefined,
      displaced: () => undefined,
      revive: () => undefined,
      isHurried: () => isHurried,
    },
  );
  const add = (collection: TrackedCollection, n: number, more: Partial<DirtyKey> = {}) => {
    const key = keyFromBytes(Buffer.of(BSON_TYPE.int32, n, 0, 0, 0));
    lane.add({ collection, key, state: { kind: 'unknown' }, sequence: 1, ...more });
  };
  const running = lane.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { lane, add, spooled, settled, [Symbol.asyncDispose]: end };
}

test('a lane is flushed when all that was in it is written, however much came and went meanwhile', async () => {
  const [a, b] = [quarantine('a'), quarantine('b')] as const;
  using taken = holdAt('engine.apply.batch-taken');
  await using started = startLane();
  const { lane, add, spooled } = started;
  add(a, 1);
  await taken.reached;
  add(b, 1);
  const flushed = lane.flush();
  for (const n of [2, 3]) add(a, n);
  taken.release();
  await flushed;
  assert.deepEqual(spooled, ['a', 'a', 'a', 'b']);
});

test('a collection that takes long holds up no other one of its batch, and the flush of the lane', async () => {
  const slow = Promise.withResolvers<void>();
  let turns = 0;
  const flush = async () => {
    turns += 1;
    if (turns === 1) await slow.promise;
  };
  await using started = startLane({ flush });
  using _ = { [Symbol.dispose]: slow.resolve };
  const { lane, add, spooled } = started;
  for (const name of ['slow', 'quick']) add(quarantine(name), 1);
  let isFlushed = false;
  const flushed = lane.flush().then(() => {
    isFlushed = true;
  });
  await eventually(() => turns === 2, { what: 'the turn of the quick one' });
  assert.deepEqual([spooled, isFlushed, lane.size], [['slow', 'quick'], false, 2]);
  slow.resolve();
  await flushed;
  assert.equal(lane.size, 0);
});

test('a few keys wait for others, unless a caller waits for a barrier', async () => {
  await using unhurried = startLane({ lingersForever: true });
  await using hurried = startLane({ lingersForever: true, isHurried: true });
  for (const { add } of [unhurried, hurried]) add(quarantine('a'), 1);
  await eventually(() => hurried.lane.size === 0, { what: 'the key to be written' });
  assert.deepEqual([hurried.spooled, unhurried.spooled], [['a'], []]);
});

test('a document that made room needs no record of its own once its key is in the spool, also when it changes meanwhile', async () => {
  await using started = startLane({ isHurried: true });
  const { lane, add, spooled, settled } = started;
  using taken = holdAt('engine.apply.batch-taken', { times: 1 });
  const collection = quarantine('a');
  add(collection, 1);
  await taken.reached;
  add(collection, 2, { displacedBy: ['mark'] });
  add(collection, 2);
  taken.release();
  await lane.flush();
  assert.deepEqual(
    [spooled, settled],
    [
      ['a', 'a'],
      [
        [undefined, 2],
        [['mark'], 2],
      ],
    ],
  );
});
