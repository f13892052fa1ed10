import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { MOST_BLOCK_LIMIT_MS, tryToBlockWrites, unblockWrites } from '../../../src/engine/mongodb/write-block.ts';
import { eventually } from '../../support/eventually.ts';
import { startReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';

const skip = needsSource('6.0', 'it has no write block');
const ROUNDS = 20;
const WRITERS = 8;
const USER_WRITES_BLOCKED = 371;

for (const members of [1, 3] as const) {
  test(`no write of a user is later than the time of the block, in a set of ${members}`, { skip }, async () => {
    await using set = await startReplicaSet({ members, auth: true });
    await set.createUser('app', 'secret', ['readWriteAnyDatabase']);
    await using app = await MongoClient.connect(set.uriFor('app', 'secret'));
    const items = app.db('shop').collection('items');
    const oplog = set.client.db('local').collection('oplog.rs');
    for (let round = 0; round < ROUNDS; round += 1) {
      let written = 0;
      const write = async () => {
        try {
          for (;;) {
            await items.insertOne({ round });
            written += 1;
          }
        } catch (error) {
          assert.equal((error as { code?: number }).code, USER_WRITES_BLOCKED);
        }
      };
      const writing = Array.from({ length: WRITERS }, write);
      await eventually(() => written > WRITERS, { what: 'writes' });
      const block = await tryToBlockWrites(set.client, MOST_BLOCK_LIMIT_MS);
      assert.ok(block?.setAt !== undefined);
      await Promise.all(writing);
      const ofRound = { ns: 'shop.items', 'o.round': round };
      assert.ok((await oplog.countDocuments({ ...ofRound, ts: { $lt: block.setAt } })) >= written);
      assert.equal(await oplog.countDocuments({ ...ofRound, ts: { $gte: block.setAt } }), 0);
      await unblockWrites(set.client);
    }
  });
}
