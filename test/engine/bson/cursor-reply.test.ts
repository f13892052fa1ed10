import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Long, MongoServerError, Timestamp } from 'mongodb';
import { cursorReply } from '../../../src/engine/bson/cursor-reply.ts';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { document, element, int32 } from '../../../src/engine/bson/raw-document.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startReplicaSet } from '../../support/replica-set.ts';

checkForLeaks();

test('a reply has the documents as the bytes they are, and an error is the one that the driver makes of it', async () => {
  await using set = await startReplicaSet();
  const { client } = set;
  const documents = Array.from({ length: 1_001 }, (_, n) =>
    document(element(0x10, '_id', int32(n)), element(0x10, '10', int32(1)), element(0x10, '2', int32(2))),
  );
  await client.db('d').command({ insert: 'c', documents: documentSequence('documents', documents) });
  await using session = client.startSession();
  const send = (command: object) => cursorReply(client, 'd', command, { session, bsonRegExp: true });

  const first = await send({ find: 'c', sort: { _id: 1 }, batchSize: 1_000 });
  assert.deepEqual([...first.documents], documents.slice(0, 1_000));
  assert.equal(first.cursor.ns, 'd.c');
  assert.ok(first.cursor.id instanceof Long && !first.cursor.id.isZero());
  assert.ok(first.reply.operationTime instanceof Timestamp);
  const second = await send({ getMore: first.cursor.id, collection: 'c' });
  assert.deepEqual([...second.documents], documents.slice(1_000));
  assert.ok(second.cursor.id.isZero());
  assert.equal((await send({ find: 'none' })).documents.length, 0);

  const lost = send({ getMore: first.cursor.id, collection: 'c' });
  await assert.rejects(lost, (error) => error instanceof MongoServerError && error.code === 43);
  await set.failCommand({ mode: { times: 1 }, data: { failCommands: ['find'], errorCode: 10_107 } });
  const notPrimary = send({ find: 'c' });
  await assert.rejects(notPrimary, (error) => error instanceof MongoServerError && error.code === 10_107);
  assert.equal((await send({ find: 'c', batchSize: 1 })).documents.length, 1, 'the driver found the primary again');
});
