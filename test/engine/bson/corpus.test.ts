import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Collection, type MongoClient, Timestamp } from 'mongodb';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';
import { type CorpusDocument, corpus } from './corpus.ts';

checkForLeaks();

const DATABASE = 'corpus';

// id: every-bson-type
test('every BSON type, odd name, depth and size keeps its bytes: copied, from its event, and fetched after an update', async () => {
  await using pair = await startPair();
  const { source, destination } = pair;
  await write(source.client, 'copied', corpus);
  await write(source.client, 'updated', corpus);
  await source.client.db(DATABASE).createCollection('inserted');
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await write(source.client, 'inserted', corpus);
  const { modifiedCount } = await source.client
    .db(DATABASE)
    .collection('updated')
    .updateMany({}, { $set: { v: 2 } });
  assert.equal(modifiedCount, corpus.length);
  await running.commit();

  const { documents } = await expectIdentical({ source, destination });
  assert.equal(documents, corpus.length * 3);
  await assertHolds(destination.client.db(DATABASE).collection('inserted'));
});

// id: dots-and-dollars
test('fields with dots and dollars that a pipeline sets and removes are migrated', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db(DATABASE).collection<{ _id: number }>('items');
  await items.insertMany(Array.from({ length: 20 }, (_, _id) => ({ _id, a: { b: _id } })));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  for (const [n, field] of ['a.b', '$set', '$a.b', 'a', '', '0', 'a..b', '.a'].entries()) {
    const literal = { $literal: field };
    const set = { $setField: { field: literal, input: '$$ROOT', value: n } };
    await items.updateMany({ _id: { $mod: [3, n % 3] } }, [{ $replaceWith: set }]);
    const unset = { $unsetField: { field: literal, input: '$$ROOT' } };
    await items.updateMany({ _id: { $mod: [4, n % 4] } }, [{ $replaceWith: unset }]);
  }
  await running.commit();
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 20);
});

/** Inserts, and puts empty timestamps back that the server filled in: a pipeline's literal keeps them. */
async function write(client: MongoClient, name: string, documents: readonly CorpusDocument[]): Promise<void> {
  for (const { what, bytes } of documents) {
    const reply = await client
      .db(DATABASE)
      .command({ insert: name, documents: documentSequence('documents', [bytes]) });
    assert.deepEqual(reply.writeErrors ?? [], [], what);
  }
  const empty = { t: { $literal: new Timestamp(0n) } };
  await client
    .db(DATABASE)
    .collection<{ _id: string }>(name)
    .updateMany({ _id: /empty$|empty timestamp$/, t: { $type: 'timestamp' } }, [{ $set: empty }]);
  await assertHolds(client.db(DATABASE).collection(name));
}

/** The comparison of two clusters would not see what both have lost. */
async function assertHolds(collection: Collection): Promise<void> {
  for (const { what, bytes } of corpus) {
    const found = await collection.findOne({ _id: what as never }, { raw: true });
    assert.ok(found instanceof Uint8Array, what);
    assert.ok(bytes.equals(found), `${what} is stored as it was meant`);
  }
}
