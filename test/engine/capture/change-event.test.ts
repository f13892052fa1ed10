import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, Timestamp, UUID } from 'mongodb';
import { isOfUsers, readChangeEvent } from '../../../src/engine/capture/change-event.ts';

const clusterTime = new Timestamp({ t: 1, i: 1 });
const read = (event: object) => readChangeEvent(Buffer.from(BSON.serialize({ clusterTime, ...event })), true);

test('an event without a namespace, such as the end of a transaction, has the catalog of no database compared', () => {
  // Servers from 8.0 on send this event with showExpandedEvents (server manual, Change Events). It is hand-made: no such server is at hand.
  const event = read({ operationType: 'endOfTransaction', lsid: { id: 1 }, txnNumber: 1n });
  assert.equal(event.operation, 'endOfTransaction');
  assert.equal(isOfUsers(event), false);
});

test('events about a database or a collection of users are taken, and those of the server are not', () => {
  assert.equal(isOfUsers(read({ operationType: 'dropDatabase', ns: { db: 'shop' } })), true);
  assert.equal(isOfUsers(read({ operationType: 'create', ns: { db: 'shop', coll: 'a' } })), true);
  assert.equal(isOfUsers(read({ operationType: 'create', ns: { db: 'config', coll: 'a' } })), false);
});

test('a change without what names its document or its collection, and an event without operation or time, is never taken', () => {
  const ns = { db: 'shop', coll: 'a' };
  const collectionUUID = new UUID();
  const change = { operationType: 'update', ns, documentKey: { _id: 1 }, collectionUUID };
  assert.equal(read(change).operation, 'update');
  const { documentKey: _, ...withoutKey } = change;
  const { collectionUUID: __, ...withoutCollection } = change;
  const undecodable = { code: 'UNDECODABLE_EVENT' };
  assert.throws(() => read(withoutKey), undecodable);
  assert.throws(() => read(withoutCollection), undecodable);
  assert.throws(() => read({ ns, documentKey: { _id: 1 } }), undecodable);
  assert.throws(() => readChangeEvent(Buffer.from(BSON.serialize(change)), true), undecodable);
  const unnamed = Buffer.from(BSON.serialize({ clusterTime, ...withoutCollection }));
  assert.equal(readChangeEvent(unnamed, false).operation, 'update', 'a source before 6.0 names no collection');
});
