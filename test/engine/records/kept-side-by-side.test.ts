import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { cleanUp, type MigrationOptions, preflight } from '../../../src/engine/index.ts';
import { newId, onFailpoint, silentLogger } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { type ReplicaSet, startPair, startReplicaSet } from '../../support/replica-set.ts';
import { emptyCluster } from '../../support/seeds.ts';
import { allowWrites, needsSource } from '../../support/source-version.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

/** Both sources have a database of this name. The destination has one for both. */
const KEEP = {
  keepDestination: true,
  namespaceRemap: [{ from: { database: 'shop' }, to: { database: 'joint' } }],
};
const skip = needsSource('6.0', 'its stream does not show changes of the catalog');

describe('two migrations with kept data share a destination', { skip }, () => {
  const sets: ReplicaSet[] = [];
  const set = (at: number) => sets[at] as ReplicaSet;
  before(async () => {
    const [pair, other] = await Promise.all([startPair(), startReplicaSet()]);
    sets.push(pair.source, other, pair.destination);
  });
  after(async () => {
    await Promise.all(sets.map((one) => one[Symbol.asyncDispose]()));
  });
  checkForLeaks({ sockets: false });
  beforeEach(async () => {
    for (const { client } of sets) await emptyCluster(client);
  });

  const clusters = (at: number) => ({ source: set(at), destination: set(2) });
  const start = (at: number, options: Partial<MigrationOptions> = {}) =>
    RunningMigration.start(clusters(at), { ...KEEP, ...options });
  const joint = () => set(2).client.db('joint');
  const names = async () => (await joint().listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);

  test('under load, and each takes only what it made when it is cancelled or cleaned up', async () => {
    const [north, south] = [set(0).client, set(1).client];
    await north.db('shop').createCollection('view', { viewOn: 'anything', pipeline: [] });
    await using writers = new AsyncDisposableStack();
    writers.use(await startLedgerWriter({ clients: [north], namespaces: ['shop.north'], ratePerSecond: 25 }));
    const writer = writers.use(
      await startLedgerWriter({ clients: [south], namespaces: ['shop.south'], ratePerSecond: 25 }),
    );
    await using first = start(0);
    await using second = start(1);
    await Promise.all([first.untilReady(), second.untilReady()]);
    // The name is free, so the other migration may take it, and its view looks the same.
    await joint().dropCollection('view');
    await south.db('shop').createCollection('view', { viewOn: 'anything', pipeline: [] });
    await eventually(async () => (await names()).includes('view'), { what: 'the view' });
    await south.db('shop').command({ collMod: 'view', viewOn: 'anything', pipeline: [{ $limit: 1 }] });
    await second.untilReady();
    await first.steering.cancel(true);
    assert.deepEqual((await names()).filter((name) => name !== 'system.views').sort(), ['south', 'view']);
    await cleanUp(set(2), first.progress.migrationId, { drop: true });
    await writer.stop();
    await second.commit();
    const renamed = new Map([['shop', 'joint']]);
    await expectIdentical({ source: set(1), destination: set(2) }, { renamed });
  });

  test('a collection that another migration has on record is not adopted', async () => {
    const [north, south] = [set(0).client, set(1).client];
    await north.db('shop').createCollection('items');
    await using first = start(0);
    await first.untilReady();
    await first.stop();
    // As if the engine was killed between the two writes.
    const records = set(2).client.db('linkspan_internal').collection('collections');
    await records.updateOne({ sourceName: 'items' }, { $set: { destinationUuid: null, state: 'creating' } });
    await joint().dropCollection('items');
    await south.db('shop').createCollection('items');
    await using second = start(1);
    await second.untilReady();
    await using again = start(0, { migrationId: first.progress.migrationId });
    await assert.rejects(again.outcome, { code: 'NAMESPACE_CONFLICT', message: /joint\.items/ });
    await second.commit();
    assert.deepEqual(await names(), ['items']);
  });

  test('a view of a changed definition no longer belongs to the migration', async () => {
    await set(0).client.db('shop').createCollection('view', { viewOn: 'anything', pipeline: [] });
    await using first = start(0);
    await first.untilReady();
    await joint().command({ collMod: 'view', viewOn: 'anything', pipeline: [{ $limit: 1 }] });
    await first.steering.cancel(true);
    assert.ok((await names()).includes('view'));
  });

  test('beside a migration that owns the destination only once that is at its end', async () => {
    await set(0).client.db('own').collection('items').insertOne({});
    await set(1).client.db('shop').collection('items').insertOne({});
    await using owner = RunningMigration.start(clusters(0));
    await owner.untilReady();
    await using early = start(1);
    await assert.rejects(early.outcome, {
      code: 'DESTINATION_IN_USE',
      message: new RegExp(owner.progress.migrationId),
    });
    const options = { migrationId: newId(), dropDestination: false, logger: silentLogger, ...KEEP };
    const found = await preflight({ ...options, source: set(1), destination: set(2) });
    assert.ok(found.some(({ code }) => code === 'DESTINATION_IN_USE'));
    await owner.commit();
    await allowWrites(set(0).client);
    await using kept = start(1);
    await kept.untilReady();
    await cleanUp(set(2), owner.progress.migrationId, { drop: false });
    await kept.commit();
    assert.deepEqual(await names(), ['items']);
  });

  test('are both retired by a migration that drops the destination', async () => {
    await set(0).client.db('shop').collection('items').insertOne({});
    await set(1).client.db('own').collection('items').insertOne({});
    await using kept = start(0);
    await kept.untilReady();
    using _ = onFailpoint('engine.destination.taken', () =>
      assert.rejects(kept.outcome, { code: 'DESTINATION_TAKEN' }),
    );
    await syncOnce(clusters(1), { dropDestination: true });
    await assert.rejects(start(0, { migrationId: kept.progress.migrationId }).outcome, { code: 'DESTINATION_TAKEN' });
    await expectIdentical({ source: set(1), destination: set(2) });
  });
});
