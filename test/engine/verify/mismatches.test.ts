import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Binary, BSON } from 'mongodb';
import { keyBytes, keyOf } from '../../../src/engine/bson/document-key.ts';
import { type MismatchRecord, VerificationRecords } from '../../../src/engine/records/verification-records.ts';
import { Mismatches } from '../../../src/engine/verify/mismatches.ts';
import { OpenKey } from '../../../src/engine/verify/recheck-queue.ts';
import { startPair } from '../../support/replica-set.ts';
import { trackedPair } from './ordered-pair.ts';

const MOST = 10_000;
const keyed = (_id: number) => keyOf(Buffer.from(BSON.serialize({ _id })));

test('a difference goes on record only while it is one, and too many of them end the migration', async (t) => {
  await using pair = await startPair();
  const sides = { source: pair.source.client, destination: pair.destination.client };
  for (const [n, client] of Object.values(sides).entries())
    await client
      .db('shop')
      .collection<{ _id: number }>('items')
      .insertMany([{ _id: 0 }, { _id: 1, n }] as never);
  const { context, collection } = await (await trackedPair(sides))('items');
  const noted = (mismatches: Mismatches, _id: number) =>
    mismatches.note(new OpenKey(collection, keyed(_id), 0, false), true);
  const records = new VerificationRecords(context.fence, context.retrier);

  await t.test('a document that is equal by now', async () => {
    const mismatches = new Mismatches(context, records);
    assert.equal(await noted(mismatches, 0), 'equal');
    assert.equal(mismatches.found, 0);
  });

  await t.test('more documents than an accident has', async () => {
    const mismatches = new Mismatches(context, records);
    const record = (n: number) =>
      ({
        _id: { m: context.fence.migrationId, u: collection.uuid, k: new Binary(keyBytes(keyed(n))) },
        firstSeen: new Date(0),
        open: false,
      }) as MismatchRecord;
    mismatches.load(Array.from({ length: MOST }, (_, n) => record(n + 2)));
    await assert.rejects(noted(mismatches, 1), { code: 'VERIFICATION_FAILED' });
  });
});
