import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Binary, UUID } from 'mongodb';
import { connectCluster } from '../../../src/engine/mongodb/connect.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair, startReplicaSet } from '../../support/replica-set.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';
import { takeMigration } from '../taken-migration.ts';

test('keys that are spooled at once may be larger than a command and a message of the server, which are 16 MiB and 48 MB', async () => {
  await using destination = await startReplicaSet();
  const client = await connectCluster({ uri: destination.uri }, 'destination');
  await using _ = { [Symbol.asyncDispose]: () => client.close() };
  const { checkpoint } = await takeMigration(client);
  const u = new UUID();
  const records = Array.from({ length: 50 }, (_, n) => ({
    _id: { m: checkpoint.migrationId, u, r: new Binary(), k: new Binary(Buffer.alloc(1_000_000, n)) },
  }));
  await checkpoint.addToSpool(records);
  let read = 0;
  for (let after: (typeof records)[number]['_id'] | undefined; ; ) {
    const next = await checkpoint.readSpool(u, after, 2_000);
    if (next.length === 0) break;
    read += next.length;
    after = next.at(-1)?._id;
  }
  assert.equal(read, records.length);
});

test('documents with long ids that change together during the copy are migrated', async () => {
  await using pair = await startPair();
  const source = pair.source.client.db('shop').collection<{ _id: string; v: number }>('c');
  // Their changes exceed one message of a server: each has the id three times, two of them as hexadecimal text.
  const ids = Array.from({ length: 500 }, (_, n) => String(n).padStart(20_000, '0'));
  await source.insertMany(ids.map((_id) => ({ _id, v: 0 })));
  using held = holdAt('engine.copy.batch-acknowledged');
  await using running = RunningMigration.start(pair);
  await held.reached;
  await source.updateMany({}, { $set: { v: 1 } });
  await running.until('all changes to be read', ({ changes }) => changes.duringCopy >= ids.length);
  held.release();
  await running.commit();
  await expectIdentical(pair);
});

test('documents with long ids that are inserted together while the migration follows are compared', async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  // Nothing is known of the size of its documents.
  const source = await shop.createCollection<{ _id: string }>('c');
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using held = holdAt('engine.verify.keys-compared', { times: 1 });
  await source.insertOne({ _id: 'first' });
  await held.reached;
  const ids = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(20_000, '0'));
  await source.insertMany(ids.map((_id) => ({ _id })));
  await running.until('all changes to be applied', ({ changes }) => changes.applied > ids.length);
  held.release();
  await running.commit();
  await expectIdentical(pair);
});
