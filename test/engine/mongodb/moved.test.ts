import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, UUID } from 'mongodb';
import { DocumentBatch } from '../../../src/engine/bson/document-batch.ts';
import { keyOf } from '../../../src/engine/bson/document-key.ts';
import { classify } from '../../../src/engine/mongodb/failure-policy.ts';
import { deleteRaw, insertRaw, replaceStatement, updateRaw } from '../../../src/engine/mongodb/raw-write.ts';
import { startReplicaSet } from '../../support/replica-set.ts';
import { takeMigration } from '../taken-migration.ts';

test('a write to a collection that was renamed meanwhile fails as moved, whatever kind of write it is', async () => {
  await using set = await startReplicaSet();
  const db = set.client.db('x');
  await db.createCollection('a');
  const [info] = await db.listCollections({}, { nameOnly: false }).toArray();
  assert.ok(info !== undefined && 'info' in info && info.info?.uuid !== undefined);
  const target = { database: 'x', name: 'a', uuid: new UUID(info.info.uuid.buffer) };
  await db.collection('a').rename('b');
  const bytes = Buffer.from(BSON.serialize({ _id: 1 }));
  const { fence } = await takeMigration(set.client);
  for (const write of [
    () => insertRaw(fence, target, DocumentBatch.of([bytes])),
    () => updateRaw(fence, target, [replaceStatement(keyOf(bytes), bytes)]),
    () => deleteRaw(fence, target, [keyOf(bytes)]),
  ]) {
    await assert.rejects(write, (error) => classify(error) === 'moved');
  }
  assert.equal(await db.collection('a').countDocuments(), 0, 'nothing was made under the old name');
});
