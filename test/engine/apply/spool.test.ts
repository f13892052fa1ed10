import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Long, Timestamp, UUID } from 'mongodb';
import { UNKNOWN } from '../../../src/engine/apply/dirty-key.ts';
import { Spool } from '../../../src/engine/apply/spool.ts';
import { keyFromBytes } from '../../../src/engine/bson/document-key.ts';
import { BSON_TYPE } from '../../../src/engine/bson/elements.ts';
import { RawValue } from '../../../src/engine/bson/raw-value.ts';
import { bufferOf } from '../../../src/engine/bson/stored-bytes.ts';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import type { SpoolRecord } from '../../../src/engine/records/records.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const now = new Timestamp(Long.ONE);
const source = { database: 'shop', name: 'a', type: 'collection', uuid: new UUID(), options: new Map() };
const collection = new TrackedCollection(source, source);
const key = (n: number) => keyFromBytes(Buffer.of(BSON_TYPE.int32, n, 0, 0, 0));

/** A spool whose keys are durable when `durable` resolves. @param written  takes its records */
function spoolOnto(durable: Promise<void>, written: SpoolRecord[] = []): Spool {
  const addToSpool = (records: readonly SpoolRecord[]) => {
    written.push(...records);
    return durable;
  };
  const context = unconnectedContext(new AbortController().signal);
  context.checkpoint.unretried.addToSpool = addToSpool;
  return new Spool(context);
}

test('a key that holds nothing back hides none that does, whether it waits or is being written', async () => {
  const written = Promise.withResolvers<void>();
  const spool = spoolOnto(written.promise);
  spool.add(collection, key(1), Number.POSITIVE_INFINITY, now);
  assert.equal(spool.oldestSequence, Number.POSITIVE_INFINITY);
  spool.add(collection, key(2), 7, now);
  spool.add(collection, key(3), 5, now);
  assert.equal(spool.oldestSequence, 5);
  const flushed = spool.flush();
  assert.equal(spool.oldestSequence, 5);
  spool.add(collection, key(4), 8, now);
  assert.equal(spool.oldestSequence, 5);
  written.resolve();
  await flushed;
  assert.equal(spool.oldestSequence, 8);
});

test('a key that waits already holds back the batch that brought it again', async () => {
  const spool = spoolOnto(Promise.resolve());
  spool.add(collection, key(1), Number.POSITIVE_INFINITY, now);
  spool.add(collection, key(1), 3, now);
  assert.equal(spool.oldestSequence, 3);
  await spool.flush();
  assert.equal(spool.oldestSequence, Number.POSITIVE_INFINITY);
});

test('no position is durable before the records that it depends on', async () => {
  const written = Promise.withResolvers<void>();
  const spool = spoolOnto(written.promise);
  const recorded = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  for (const { promise } of recorded) spool.holdUntil(promise);
  spool.add(collection, key(1), 3, now);
  let isFlushed = false;
  const flushed = spool.flush().then(() => {
    isFlushed = true;
  });
  written.resolve();
  recorded[0].resolve();
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.deepEqual([isFlushed, spool.oldestSequence], [false, 3]);
  recorded[1].resolve();
  await flushed;
  assert.equal(spool.oldestSequence, Number.POSITIVE_INFINITY);
});

test('a key of a capped collection that is deleted and inserted again is read back behind what changed before', async () => {
  const options = new Map([['capped', new RawValue(BSON_TYPE.boolean, Buffer.of(1))]]);
  const capped = new TrackedCollection({ ...source, options }, source);
  const written: SpoolRecord[] = [];
  const spool = spoolOnto(Promise.resolve(), written);
  const document = Buffer.alloc(0);
  spool.add(capped, key(3), 1, now, { kind: 'deleted' });
  spool.add(capped, key(4), 1, now, { kind: 'inserted', document });
  spool.add(capped, key(3), 1, now, { kind: 'inserted', document });
  spool.add(capped, key(4), 1, now, UNKNOWN);
  await spool.flush();
  const inOrder = written.toSorted((a, b) => bufferOf(a._id.r).compare(bufferOf(b._id.r)));
  const spooled = inOrder.map(({ _id, left }) => [keyFromBytes(bufferOf(_id.k)).identity, left]);
  assert.deepEqual(spooled, [
    [key(4).identity, undefined],
    [key(3).identity, 'reinserted'],
  ]);
});
