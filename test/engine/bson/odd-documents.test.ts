import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Db } from 'mongodb';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { document, element, int32 } from '../../../src/engine/bson/raw-document.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const INVALID = [Buffer.of(0xff), Buffer.of(0xc3, 0x28), Buffer.of(0xed, 0xa0, 0x80), Buffer.of(0x61, 0xe2, 0x82)];
const LARGEST = 16 * 1024 * 1024;

test('an _id that is not valid UTF-8 is followed and deleted like any other', async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('odd');
  await insertRaw(
    db,
    INVALID.map((bytes) => textId(bytes)),
  );
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await insertRaw(
    db,
    INVALID.map((bytes) => element(0x03, '_id', document(element(0x02, 'x', text(bytes))))),
  );
  await db.collection('items').updateMany({ n: 1 }, { $set: { changed: true } });
  for (const bytes of INVALID.slice(0, 2)) await deleteRaw(db, textId(bytes));
  await running.commit();
  await assertIdentical(pair, 2 * INVALID.length - 2);
});

test('documents that grow to the largest size are migrated, copied and followed', async () => {
  // With less cache, a server works for minutes on a document of this size.
  await using pair = await startPair({ source: { cacheGigabytes: 1 }, destination: { cacheGigabytes: 1 } });
  const items = pair.source.client.db('odd').collection<{ _id: number; text: string; more?: string }>('items');
  const overhead = 48;
  const grow = (_id: number) => items.updateOne({ _id }, { $set: { more: 'y'.repeat(LARGEST / 2 - overhead) } });
  await items.insertMany([1, 2, 3].map((_id) => ({ _id, text: 'x'.repeat(LARGEST / 2) })));
  await grow(1);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await grow(2);
  await items.insertOne({ _id: 4, text: 'x'.repeat(LARGEST / 2), more: 'z'.repeat(LARGEST / 2 - overhead) });
  await running.commit();
  await assertIdentical(pair, 4);
});

test('a collection with as many indexes as a server allows, half of them unique, is migrated', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('odd').collection('items');
  await items.insertMany(numbered(50));
  const specs = Array.from({ length: 63 }, (_, n) => ({
    key: { [`f${n}`]: 1 as const },
    unique: n % 2 > 0,
    sparse: true,
  }));
  await items.createIndexes(specs);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await items.insertOne({ n: 50 });
  await running.commit();
  await assertIdentical(pair, 51);
});

function text(bytes: Buffer): Buffer {
  return Buffer.concat([int32(bytes.length + 1), bytes, Buffer.of(0)]);
}

function textId(bytes: Buffer): Buffer {
  return element(0x02, '_id', text(bytes));
}

async function insertRaw(db: Db, ids: readonly Buffer[]): Promise<void> {
  // The second is none that a plain write takes.
  const documents = ids.map((id, index) => document(id, element(0x10, index === 1 ? '$n' : 'n', int32(1))));
  const reply = await db.command({ insert: 'items', documents: documentSequence('documents', documents) });
  assert.deepEqual(reply.writeErrors ?? [], []);
}

async function deleteRaw(db: Db, id: Buffer): Promise<void> {
  const statement = document(element(0x03, 'q', document(id)), element(0x10, 'limit', int32(1)));
  const reply = await db.command({ delete: 'items', deletes: documentSequence('deletes', [statement]) });
  assert.equal(reply.n, 1);
}

async function assertIdentical(pair: ReplicaSetPair, count: number): Promise<void> {
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, count);
}
