import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BSON, type Document, type Timestamp, type UUID } from 'mongodb';
import { DocumentBatch } from '../../../src/engine/bson/document-batch.ts';
import { type DocumentKey, keyOf } from '../../../src/engine/bson/document-key.ts';
import { readDiscards, readExternalWrites } from '../../../src/engine/capture/external-writes.ts';
import type { Fence } from '../../../src/engine/mongodb/fence.ts';
import { insertRaw } from '../../../src/engine/mongodb/raw-write.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { takeMigration } from '../taken-migration.ts';

const CAPPED_AT = 10;
const WRITTEN = 15;

let cluster: ReplicaSet;
let fence: Fence;
before(async () => {
  cluster = await startReplicaSet();
  ({ fence } = await takeMigration(cluster.client));
});
after(() => cluster[Symbol.asyncDispose]());
checkForLeaks({ sockets: false });

async function makeLog(name: string): Promise<UUID> {
  await cluster.client.db('shop').createCollection(name, { capped: true, size: 100_000, max: CAPPED_AT });
  const [listed] = await cluster.client.db('shop').listCollections({ name }).toArray();
  return (listed as Document).info.uuid;
}

/** The time of the latest write of the cluster. */
async function now(): Promise<Timestamp> {
  await fence.confirm();
  const { afterClusterTime } = fence.afterOwnWrites;
  assert.ok(afterClusterTime !== undefined);
  return afterClusterTime;
}

test('what a capped collection discards is told from what others write to it', async () => {
  const uuid = await makeLog('log');
  const documents = identified(WRITTEN).map((one) => Buffer.from(BSON.serialize(one)));
  const range = { after: await now(), to: await now() };
  const target = { database: 'shop', name: 'log', uuid };
  assert.deepEqual(await insertRaw(fence, target, DocumentBatch.of(documents)), []);
  range.to = await now();
  const writes = await readExternalWrites(fence, range, [uuid]);
  assert.equal(writes?.isEmpty, true);
  const discarded: DocumentKey[] = [];
  for await (const batch of readDiscards(fence, range, [uuid]))
    discarded.push(...(batch.get(uuid.toHexString(false)) ?? []));
  assert.deepEqual(
    discarded.map(({ identity }) => identity),
    documents.slice(0, WRITTEN - CAPPED_AT).map((document) => keyOf(document).identity),
  );
});

test('an insert of another client into a capped collection counts as written by others, and what it discards does not', async () => {
  const uuid = await makeLog('other');
  const log = cluster.client.db('shop').collection<{ _id: number }>('other');
  await log.insertMany(identified(CAPPED_AT));
  const after = await now();
  await log.insertOne({ _id: CAPPED_AT });
  const writes = await readExternalWrites(fence, { after, to: await now() }, [uuid]);
  const keys = writes?.keysOf({ id: uuid.toHexString(false), namespace: 'shop.other' });
  const document = Buffer.from(BSON.serialize({ _id: CAPPED_AT }));
  assert.deepEqual(
    keys?.map(({ identity }) => identity),
    [keyOf(document).identity],
  );
});
