import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyFromBytes } from '../../../src/engine/bson/document-key.ts';
import { BSON_TYPE } from '../../../src/engine/bson/elements.ts';
import type { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { RecheckQueue } from '../../../src/engine/verify/recheck-queue.ts';

const keyOf = (n: number) => keyFromBytes(Buffer.of(BSON_TYPE.int32, n, 0, 0, 0));
const collections = ['a', 'b'].map((id) => ({ id }) as TrackedCollection);

test('a key has one entry, the oldest batch is that of an entry, and a result for a replaced entry changes nothing', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'settle', 'settle replaced', 'forget'),
    collection: fc.nat(1),
    key: fc.nat(5),
    sequence: fc.constantFrom(1, 2, 3, Number.POSITIVE_INFINITY),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const queue = new RecheckQueue();
      const model = new Map<string, number>();
      const replaced = [];
      for (const { kind, collection: nth, key: n, sequence } of steps) {
        const collection = collections[nth] as TrackedCollection;
        const open = queue.get(collection, keyOf(n));
        const id = `${collection.id} ${n}`;
        if (kind === 'add') {
          if (open !== undefined) replaced.push(open);
          queue.add(collection, keyOf(n), sequence);
          model.set(id, sequence);
        } else if (kind === 'settle' && open !== undefined) {
          queue.settle(open);
          model.delete(id);
        } else if (kind === 'settle replaced') {
          const old = replaced.pop();
          if (old !== undefined) queue.settle(old);
        } else if (kind === 'forget') {
          queue.forget(collection);
          for (const known of [...model.keys()]) if (known.startsWith(`${collection.id} `)) model.delete(known);
        }
        assert.equal(queue.size, model.size);
        assert.equal(queue.oldestSequence, Math.min(Number.POSITIVE_INFINITY, ...model.values()));
        assert.equal(queue.unbound, [...model.values()].filter((one) => one === Number.POSITIVE_INFINITY).length);
        const withKeys = collections.filter(({ id }) => [...model.keys()].some((known) => known.startsWith(`${id} `)));
        assert.deepEqual(new Set(queue.collections), new Set(withKeys));
        for (const [index, one] of collections.entries()) {
          const due = queue.due(one, 0, 0, () => true).map(({ key }) => key.identity);
          const wanted = [...model.keys()].filter((known) => known.startsWith(`${collections[index]?.id} `)).length;
          assert.equal(due.length, wanted);
        }
      }
    }),
  );
});

test('a waiting key keeps no reply of a server in memory', () => {
  const reply = Buffer.alloc(1_000_000);
  reply[0] = BSON_TYPE.int32;
  const queue = new RecheckQueue();
  const [collection] = collections as [TrackedCollection];
  const key = keyFromBytes(reply.subarray(0, 5));
  queue.add(collection, key, 1);
  const kept = queue.get(collection, key)?.key.value.bytes;
  assert.deepEqual(kept, key.value.bytes);
  assert.notEqual(kept?.buffer, reply.buffer);
});

test('a few large keys that wait are as many as many small ones', () => {
  const queue = new RecheckQueue();
  const [few, most] = collections as [TrackedCollection, TrackedCollection];
  const text = (n: number) => keyFromBytes(Buffer.concat([Buffer.of(BSON_TYPE.string), Buffer.alloc(1_000_000, n)]));
  const addUntil = (isReached: () => boolean) => {
    while (!isReached() && queue.size < 200) queue.add(queue.size % 3 === 0 ? few : most, text(queue.size), 1);
    return queue.size;
  };
  const full = addUntil(() => queue.isFull);
  assert.ok(full > 60 && full < 70, `${full} keys of 1 MB are too many`);
  const crowded = addUntil(() => queue.crowded !== undefined);
  assert.ok(crowded > 95 && crowded < 105, `${crowded} keys of 1 MB are crowded`);
  assert.equal(queue.crowded, most);
  queue.forget(most);
  assert.deepEqual([queue.isFull, queue.crowded], [false, undefined]);
});
