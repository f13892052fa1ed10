import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, Timestamp } from 'mongodb';
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
