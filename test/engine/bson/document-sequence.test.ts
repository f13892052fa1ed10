import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from 'mongodb';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { document, element, int32 } from '../../../src/engine/bson/raw-document.ts';
import { startReplicaSet } from '../../support/replica-set.ts';

test('a sequence sends documents as the bytes they are, by the thousands', async () => {
  await using set = await startReplicaSet();
  const documents = Array.from({ length: 5_000 }, (_, _id) =>
    document(element(0x10, '_id', int32(_id)), element(0x10, '10', int32(1)), element(0x10, '2', int32(2))),
  );
  const command: Document = { insert: 'c', documents: documentSequence('documents', documents) };
  assert.equal((await set.client.db('d').command(command)).n, 5_000);
  const stored = await set.client
    .db('d')
    .collection('c')
    .find({ _id: 4_999 as never }, { raw: true })
    .toArray();
  assert.deepEqual(Buffer.from(stored[0] as unknown as Uint8Array), documents[4_999]);
});
