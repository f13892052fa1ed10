import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type CreateIndexesOptions, type Document, Int32 } from 'mongodb';
import { displaceHolders } from '../../../src/engine/apply/displace-holders.ts';
import { type RefusedDocument, refusedByUniqueIndex } from '../../../src/engine/apply/unique-conflict.ts';
import { DocumentBatch } from '../../../src/engine/bson/document-batch.ts';
import { type DocumentKey, keyOf } from '../../../src/engine/bson/document-key.ts';
import { document } from '../../../src/engine/bson/raw-document.ts';
import { listIndexesOf } from '../../../src/engine/catalog/read-catalog.ts';
import type { Fence } from '../../../src/engine/mongodb/fence.ts';
import { insertRaw, replaceStatement, updateRaw, type WriteTarget } from '../../../src/engine/mongodb/raw-write.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { onceAt } from '../reach-points.ts';
import { takeMigration } from '../taken-migration.ts';
import { fieldsOf, HOLDER_CASES } from './holder-cases.ts';

const RUNS = 60;

let set: ReplicaSet;
let fence: Fence;
before(async () => {
  set = await startReplicaSet();
  ({ fence } = await takeMigration(set.client));
});
after(() => set[Symbol.asyncDispose]());

for (const [
  n,
  { what, index, options = {}, collation, beside, holder, refused, bystander = {} },
] of HOLDER_CASES.entries())
  test(`the document that holds ${what} makes room for the one that needs it`, async () => {
    const target = await createTarget(`c${n}`, index, options, collation);
    if (beside)
      await set.client
        .db('shop')
        .collection(target.name)
        .createIndex(index as never, { unique: true, ...beside });
    const [held, other, needed] = [numbered(1, holder), numbered(2, bystander), numbered(3, refused)];
    assert.deepEqual(await insertRaw(fence, target, DocumentBatch.of([held, other])), []);
    const displaced = await displace(target, await refuse(target, needed));
    assert.deepEqual(displaced.map(shown), [shown(keyOf(held))]);
    assert.deepEqual(await updateRaw(fence, target, [replaceStatement(keyOf(needed), needed)]), []);
    assert.deepEqual(await keysOf(target), [2, 3]);
  });

/** Values of which an index makes few different entries, so that two documents often have one in common. */
const VALUE = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(null, 1, 'x'),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.record({ b: tie('value'), c: tie('value'), 0: tie('value') }, { requiredKeys: [] }),
  ),
})).value;

for (const index of [{ a: 1 }, { 'a.b': 1 }, { 'a.b.c': 1 }, { 'a.0': 1 }, { 'a.0.b': 1 }, { 'a.b': 1, 'a.c': 1 }])
  test(`whatever the server refuses beside a unique index on ${Object.keys(index)}, it takes once holders made room`, async () => {
    const target = await createTarget(`any ${Object.keys(index)}`, index, {});
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(VALUE, VALUE, async (left, right) => {
        await set.client.db(target.database).collection(target.name).deleteMany({});
        const [held, needed] = [numbered(1, { a: left }), numbered(2, { a: right })];
        if ((await insertRaw(fence, target, DocumentBatch.of([held]))).length > 0) return;
        const [error] = await updateRaw(fence, target, [replaceStatement(keyOf(needed), needed)]);
        const refused = error && refusedByUniqueIndex({ key: keyOf(needed), document: needed }, error);
        if (refused === undefined) return;
        refusals += 1;
        await displace(target, refused);
        assert.deepEqual(await keysOf(target), []);
      }),
      { numRuns: RUNS, seed: 28 },
    );
    assert.ok(refusals > 0, 'none was refused');
  });

test('a document that comes to lack the value in an array before it would make room stays', async () => {
  const target = await createTarget('newer', { 'a.b': 1 }, {});
  const [held, needed] = [numbered(1, { a: [{ b: 1 }, {}] }), numbered(3, { a: { b: null } })];
  await insertRaw(fence, target, DocumentBatch.of([held]));
  const refused = await refuse(target, needed);
  using _ = onceAt('engine.apply.about-to-displace', async () => {
    await updateRaw(fence, target, [replaceStatement(keyOf(held), numbered(1, { a: [{ b: 1 }] }))]);
  });
  await displace(target, refused);
  assert.deepEqual(await keysOf(target), [1]);
});

async function createTarget(
  name: string,
  index: Document,
  options: CreateIndexesOptions,
  collation?: Document,
): Promise<WriteTarget> {
  const collection = await set.client
    .db('shop')
    .createCollection(name, { ...(collation && { collation: collation as never }) });
  await collection.createIndex(index as never, { unique: true, ...options });
  const [listed] = await set.client.db('shop').listCollections({ name }).toArray();
  return { database: 'shop', name, uuid: (listed as Document).info.uuid };
}

/** Returns the document as the destination has refused it. */
async function refuse(target: WriteTarget, bytes: Buffer): Promise<RefusedDocument> {
  const key = keyOf(bytes);
  const [error] = await updateRaw(fence, target, [replaceStatement(key, bytes)]);
  const refused = error && refusedByUniqueIndex({ key, document: bytes }, error);
  assert.ok(refused, 'the destination refuses it');
  return refused;
}

/** Makes room for a refused document. Returns the keys of those that held its values. */
async function displace(target: WriteTarget, refused: RefusedDocument): Promise<DocumentKey[]> {
  const displaced = new Map<string, DocumentKey>();
  const sourceIndexes = await listIndexesOf(set.client, target);
  const parts = { destination: set.client, fence, sourceIndexes, record: async () => undefined };
  await displaceHolders(parts, target, [refused], displaced);
  return [...displaced.values()];
}

async function keysOf({ database, name }: WriteTarget): Promise<number[]> {
  const found = set.client
    .db(database)
    .collection<{ _id: number }>(name)
    .find({}, { projection: { _id: 1 } });
  return (await found.map(({ _id }) => _id).toArray()).sort((a, b) => a - b);
}

function numbered(_id: number, fields: Document | Buffer): Buffer {
  return document(fieldsOf({ _id: new Int32(_id) }), Buffer.isBuffer(fields) ? fields : fieldsOf(fields));
}

function shown(key: DocumentKey): string {
  return key.identity;
}
