import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UUID } from 'mongodb';
import { Lane } from '../../../src/engine/apply/lane.ts';
import type { Spool } from '../../../src/engine/apply/spool.ts';
import { keyFromBytes } from '../../../src/engine/bson/document-key.ts';
import { BSON_TYPE } from '../../../src/engine/bson/elements.ts';
import { IndexKeeper } from '../../../src/engine/collections/index-keeper.ts';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { holdAt } from '../reach-points.ts';
import { unconnectedParts } from '../unconnected-parts.ts';

/** A collection whose keys a lane hands to the spool. */
function setAside(name: string): TrackedCollection {
  const entry = { database: 'shop', name, type: 'collection', uuid: new UUID(), options: new Map() };
  const collection = new TrackedCollection(entry, entry);
  for (const kind of ['created', 'plan begun', 'planned', 'copied'] as const) collection.advance({ kind });
  return collection;
}

test('a lane is flushed when all that was in it is written, however much came and went meanwhile', async () => {
  const spooled: string[] = [];
  const spool = {
    add: (collection: TrackedCollection) => spooled.push(collection.sourceName),
    flush: async () => undefined,
    holdUntil: () => undefined,
  } as unknown as Spool;
  const stop = new AbortController();
  const parts = unconnectedParts(stop.signal);
  parts.checkpoint.saveCollection = async () => undefined;
  const lane = new Lane(parts, new IndexKeeper(parts, () => undefined), spool, {
    applied: () => undefined,
    displaced: () => undefined,
    revive: () => undefined,
  });
  const [a, b] = [setAside('a'), setAside('b')] as const;
  const add = (collection: TrackedCollection, n: number) => {
    const key = keyFromBytes(Buffer.of(BSON_TYPE.int32, n, 0, 0, 0));
    lane.add({ collection, key, state: { kind: 'unknown' }, sequence: 1 });
  };
  using taken = holdAt('engine.apply.batch-taken');

  add(a, 1);
  const running = lane.run(stop.signal);
  await taken.reached;
  add(b, 1);
  const flushed = lane.flush();
  for (const n of [2, 3]) add(a, n);
  taken.release();
  await flushed;
  assert.deepEqual(spooled, ['a', 'a', 'a', 'b']);
  stop.abort();
  await running;
});
