import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Db } from 'mongodb';
import { preflight } from '../../src/engine/index.ts';
import { newId, onFailpoint, silentLogger } from '../../src/platform/index.ts';
import { hurried, refill } from '../engine/fixed-catalog-shop.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';

/** Changes of a catalog, each with the name that the error must contain. */
const CHANGES: readonly (readonly [what: string, name: RegExp, change: (db: Db) => Promise<unknown>])[] = [
  ['a collection is created', /shop\.new/, (db) => db.createCollection('new')],
  ['a collection is created by its first document', /shop\.new/, (db) => db.collection('new').insertOne({ n: 1 })],
  ['a collection is dropped', /shop\.items/, (db) => db.collection('items').drop()],
  ['a collection is renamed', /shop\.items/, (db) => db.collection('items').rename('goods')],
  [
    'a collection is renamed onto another',
    /shop\.(items|extra)/,
    (db) => db.collection('extra').rename('items', { dropTarget: true }),
  ],
  [
    'a collection is dropped and recreated',
    /shop\.items/,
    async (db) => {
      await db.collection('items').drop();
      await db.createCollection('items');
    },
  ],
  ['a database is dropped', /shop\./, (db) => db.dropDatabase()],
  ['options are changed', /shop\.items/, (db) => db.command({ collMod: 'items', validator: { n: { $gte: 0 } } })],
  ['an index is created', /shop\.items/, (db) => db.collection('items').createIndex({ text: 1 })],
  ['an index is dropped', /shop\.items/, (db) => db.collection('items').dropIndex('n_1')],
  ['an index is hidden', /shop\.items/, (db) => db.command({ collMod: 'items', index: { name: 'n_1', hidden: true } })],
  ['a collection becomes capped', /shop\.items/, (db) => db.command({ convertToCapped: 'items', size: 4_000_000 })],
  ['a view is created', /shop\.seen/, (db) => db.createCollection('seen', { viewOn: 'items', pipeline: [] })],
  ['a view is changed', /shop\.view/, (db) => db.command({ collMod: 'view', viewOn: 'extra', pipeline: [] })],
  [
    'an aggregation replaces a collection',
    /shop\.(tmp|items)/,
    (db) =>
      db
        .collection('extra')
        .aggregate([{ $out: 'items' }])
        .toArray(),
  ],
];

const skip = process.env.LINKSPAN_SOURCE_VERSION?.startsWith('5.0')
  ? false
  : 'needs the servers of npm run test:matrix';

describe('a source of version 5.0', { skip }, () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  for (const [what, name, change] of CHANGES) {
    test(`the migration fails and names the collection when ${what}`, async () => {
      await refill(pair);
      await using running = RunningMigration.start(pair, { clock: hurried });
      await running.untilReady();
      await change(pair.source.client.db('shop'));
      await assert.rejects(running.outcome, { code: 'CATALOG_CHANGED', message: name });
      assert.equal(running.progress.readyForCutover, false);
      await using again = RunningMigration.start(pair, { migrationId: running.progress.migrationId });
      await assert.rejects(again.outcome, { code: 'CATALOG_CHANGED', message: name });
    });

    test(`a migration in the middle of the copy fails and names the collection when ${what}`, async () => {
      await refill(pair);
      let changed: Promise<unknown> | undefined;
      using _ = onFailpoint('engine.copy.batch-acknowledged', async () => {
        changed ??= change(pair.source.client.db('shop'));
        await changed;
      });
      await using running = RunningMigration.start(pair, { clock: hurried });
      await assert.rejects(running.outcome, { code: 'CATALOG_CHANGED', message: name });
      assert.ok(changed !== undefined);
    });
  }

  test('documents and events of 16 MiB are migrated', async () => {
    await refill(pair);
    const large = pair.source.client.db('shop').collection<{ _id: number; text?: string; parts?: string[] }>('items');
    const text = 'x'.repeat(16 * 1024 * 1024 - 200);
    const parts = (letter: string) => Array.from({ length: 160 }, () => letter.repeat(100_000));
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    await large.insertMany([
      { _id: 1, text },
      { _id: 2, parts: parts('a') },
    ]);
    await large.updateOne({ _id: 1 }, { $set: { text: text.replace('xx', 'yy') } });
    await large.updateOne({ _id: 2 }, { $set: Object.fromEntries(parts('b').map((part, n) => [`parts.${n}`, part])) });
    await running.commit();
    assert.deepEqual((await compareClusters(pair.source.client, pair.destination.client)).differences, []);
  });

  test('is refused with a precise error, before any write, while its feature compatibility version is 4.4', async () => {
    await refill(pair);
    const admin = pair.source.client.db('admin');
    await admin.command({ setFeatureCompatibilityVersion: '4.4' });
    const findings = await preflight({
      migrationId: newId(),
      source: { uri: pair.source.uri },
      destination: { uri: pair.destination.uri },
      dropDestination: false,
      logger: silentLogger,
    });
    await admin.command({ setFeatureCompatibilityVersion: '5.0' });
    const errors = findings.filter(({ severity }) => severity === 'ERROR');
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['VERSION_TOO_OLD'],
    );
    assert.match(errors[0]?.message ?? '', /^The source .*5\.0\.\d+ with .* 4\.4; 5\.0 or newer/);
    assert.deepEqual(await pair.destination.client.db('linkspan_internal').listCollections().toArray(), []);
  });
});
