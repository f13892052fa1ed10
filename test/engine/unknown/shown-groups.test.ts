import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { readUnstreamedWrites } from '../../../src/engine/capture/unstreamed-writes.ts';
import { writeBarrier } from '../../../src/engine/mongodb/cluster-time.ts';
import { sourceFeatures } from '../../../src/engine/mongodb/server-features.ts';
import { batchOf, type Requests, type Rewrites, startDialect } from '../../support/dialect.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';

checkForLeaks();

const NESTED = 'o.applyOps.o.applyOps';

// id: groups-asked-about-once
test('a stream is asked once whether it shows groups of documents, such as inserts of 8.0 (a dialect, not a real server)', {
  skip: needsSource('6.0', 'its streams need not show them'),
}, async () => {
  await using set = await startReplicaSet();
  await using dialect = await startDialect(set, {});
  let streams = 0;
  /** Whether a group is inside another one. Servers of 6.0 write them apart. */
  let isNested = false;
  // Transactions take the place of groups: streams of 6.0 show them, and their entries differ by the number alone.
  const requests: Requests = {
    find: ({ find, filter }) => {
      if (find !== 'oplog.rs') return;
      for (const one of filter?.$or ?? []) {
        delete one.txnNumber;
        if (isNested) delete one[NESTED];
      }
    },
    aggregate: ({ pipeline }) => {
      if (pipeline[0].$changeStream !== undefined) streams += 1;
    },
  };
  const rewrites: Rewrites = {
    find: (reply) => {
      if (isNested)
        for (const { o } of batchOf(reply)) if (o?.applyOps) o.applyOps = [{ op: 'c', ns: 'admin.$cmd', o: { ...o } }];
    },
  };
  dialect.speak(rewrites, requests);
  const items = set.client.db('shop').collection<{ _id: string }>('items');
  await items.insertOne({ _id: 'first' });
  for (const [version, expected] of [
    ['8.0', [1, 0]],
    ['6.0', [1, 1]],
  ] as const) {
    await using source = new MongoClient(dialect.uri);
    await source.connect();
    const readAfter = async (write: () => Promise<unknown>) => {
      const after = await writeBarrier(set.client);
      await write();
      streams = 0;
      const range = { after, to: await writeBarrier(set.client) };
      const writes = await readUnstreamedWrites(source, sourceFeatures(version), range);
      return { streams, found: writes?.isEmpty === false };
    };
    const group = (...ids: string[]) =>
      set.client.withSession((session) =>
        session.withTransaction(() =>
          items.insertMany(
            ids.map((_id) => ({ _id: version + _id })),
            { session },
          ),
        ),
      );
    for (const [n, asked] of expected.entries())
      assert.deepEqual(await readAfter(() => group(`${n}a`, `${n}b`)), { streams: asked, found: false });
    isNested = true;
    const inner = { op: 'i', ns: 'shop.items', o: { _id: `${version} inner` } };
    const { found } = await readAfter(() => set.client.db('admin').command({ applyOps: [inner] }));
    assert.equal(found, true, 'a group in a group');
    isNested = false;
  }
});
