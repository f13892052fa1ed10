import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { cleanUp, listLeftovers, type MigrationOptions, preflight } from '../../../src/engine/index.ts';
import { CHECKPOINT_SCHEMA } from '../../../src/engine/records/records.ts';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { fallSilent } from '../../support/fall-silent.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, identified } from '../../support/seeds.ts';
import { allowWrites } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

const BLOCKED = { code: 371 };
const DROP = { dropDestination: true };

describe('a destination has at most one owner', () => {
  let pair: ReplicaSetPair;
  let app: MongoClient;
  before(async () => {
    pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    await pair.destination.createUser('app', 'secret', ['readWriteAnyDatabase', 'dbAdminAnyDatabase']);
    app = new MongoClient(pair.destination.uriFor('app', 'secret'));
  });
  after(async () => {
    await app.close();
    await pair[Symbol.asyncDispose]();
  });
  checkForLeaks({ sockets: false });
  beforeEach(() => startAnew(pair));

  const start = (options: Partial<MigrationOptions> = {}) => RunningMigration.start(pair, options);
  /** Runs a migration until it follows, and stops its engine. */
  const stopped = async (options: Partial<MigrationOptions> = {}): Promise<string> => {
    await using running = start(options);
    await running.untilReady();
    await running.stop();
    return running.progress.migrationId;
  };

  // id: cleanup-leaves-later-migration
  test('cleaning up after an earlier migration leaves the block and the data of the one that runs', async () => {
    const migrationId = await stopped();
    await using second = start(DROP);
    await second.untilReady();
    const [left] = (await listLeftovers(pair.destination)).filter((one) => one.migrationId === migrationId);
    assert.deepEqual([left?.retiredBy, left?.blocked, left?.collections], [second.progress.migrationId, false, []]);
    const cleaned = await cleanUp(pair.destination, migrationId, { drop: true });
    assert.equal(cleaned.retiredBy, second.progress.migrationId);
    await assert.rejects(cleanUp(pair.destination, migrationId, { drop: true }), { code: 'NO_SUCH_MIGRATION' });
    await assert.rejects(app.db('shop').collection('items').deleteMany({}), BLOCKED);
    await second.commit();
    await expectIdentical(pair);
  });

  test('cleaning up after an earlier migration drops nothing of the one that has committed, also when that was cleaned up before', async () => {
    const migrationId = await stopped();
    await using second = start(DROP);
    await second.commit();
    await cleanUp(pair.destination, second.progress.migrationId, { drop: false });
    await cleanUp(pair.destination, migrationId, { drop: true });
    await expectIdentical(pair);
  });

  // id: earlier-migration-changes-nothing
  test('an earlier migration that is started again, or cancelled, changes nothing after another has committed', async () => {
    const migrationId = await stopped();
    await using second = start(DROP);
    await second.commit();
    // The destination is the primary copy now.
    await app.db('shop').command({ collMod: 'few', viewOn: 'items', pipeline: [{ $match: { _id: 3 } }] });
    const records = pair.destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
    const record = await records.findOne({ _id: migrationId });
    // The destination's server refuses late writes of its engine.
    assert.deepEqual({ ...record, shutOut: true }, record);
    await using again = start({ migrationId });
    const message = new RegExp(`${second.progress.migrationId} has taken it`);
    const remedy = new RegExp(`linkspan cleanup --migration ${migrationId}\\.`);
    const taken = { code: 'DESTINATION_TAKEN', message, remedy };
    await assert.rejects(again.outcome, taken);
    await using cancelled = start({ migrationId, ...DROP });
    await assert.rejects(cancelled.steering.cancel(true), taken);
    assert.equal(await app.db('shop').collection('few').countDocuments(), 1);
    assert.equal(await app.db('shop').collection('items').countDocuments(), 100);
    assert.deepEqual(await records.findOne({ _id: migrationId }), record);
  });

  test('a migration ends with the name of the one that takes its destination while it runs', async () => {
    await using first = start();
    await first.untilReady();
    await using second = start(DROP);
    await assert.rejects(first.outcome, { code: 'DESTINATION_TAKEN' });
    await second.commit();
    await expectIdentical(pair);
  });

  // id: killed-while-taking
  test('a migration that is killed as it takes a destination owns it, and resumes', async () => {
    const migrationId = await stopped();
    const options = { ...DROP, migrationId: newId() };
    const points = ['engine.migration.entered', 'engine.destination.taken', 'engine.destination.shut-out'];
    for (const point of [...points, 'engine.change.dropDatabase']) {
      using _ = onFailpoint(point, () => Promise.reject(new Error(`killed at ${point}`)));
      await using killed = start(options);
      await assert.rejects(killed.outcome, /killed at/);
      await using earlier = start({ migrationId });
      await assert.rejects(earlier.outcome, { code: 'DESTINATION_TAKEN' });
    }
    await using again = start(options);
    await again.commit();
    await expectIdentical(pair);
    const records = pair.destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
    const retired = await records.findOne({ _id: migrationId });
    assert.deepEqual({ ...retired, retiredBy: options.migrationId, shutOut: true }, retired);
  });

  test('a migration whose destination is taken between its record and its first write names the other one', async () => {
    let other: RunningMigration | undefined;
    using _ = onFailpoint('engine.migration.entered', async () => {
      if (other !== undefined) return;
      other = start(DROP);
      await other.untilReady();
    });
    await using first = start();
    await assert.rejects(first.outcome, { code: 'DESTINATION_TAKEN' });
    await other?.commit();
    await expectIdentical(pair);
  });

  // id: two-take-at-once
  test('of two migrations that take it at the same moment, the later one owns it', async () => {
    await using one = start(DROP);
    await using other = start(DROP);
    const outcomes = [one, other].map((running) =>
      running.commit().then(
        () => 'committed',
        ({ code }) => code,
      ),
    );
    assert.deepEqual((await Promise.all(outcomes)).sort(), ['DESTINATION_TAKEN', 'committed']);
    await expectIdentical(pair);
  });

  test('without permission to drop it, a destination is not taken from a running migration', async () => {
    let later: RunningMigration | undefined;
    // Nothing on the destination shows the owner yet.
    using _ = onFailpoint('engine.prepare.destination-ready', async () => {
      later ??= start();
      await assert.rejects(later.outcome, { code: 'DESTINATION_IN_USE' });
    });
    await using first = start();
    await first.commit();
    assert.notEqual(later, undefined);
    await expectIdentical(pair);
  });

  test('permission to drop does not reach data that is the primary copy since a cutover, until that migration is forgotten', async () => {
    await using committed = start();
    await committed.commit();
    const { migrationId } = committed.progress;
    await allowWrites(pair.source.client);
    const items = pair.destination.client.db('shop').collection('items');
    await items.insertOne({ of: 'an application' });
    await using again = start(DROP);
    await assert.rejects(again.outcome, { code: 'DESTINATION_PRIMARY', message: new RegExp(migrationId) });
    const options = { ...again.migration.current.options, migrationId: newId() };
    assert.ok((await preflight(options)).some(({ code }) => code === 'DESTINATION_PRIMARY'));
    assert.equal(await items.countDocuments({ of: 'an application' }), 1);
    await cleanUp(pair.destination, migrationId, { drop: false });
    await using last = start(DROP);
    await last.untilReady();
    assert.equal(await items.countDocuments({ of: 'an application' }), 0);
  });

  // id: permission-does-not-reach
  test('permission to drop does not reach it either when the steps after the cutover are not done', async () => {
    await using committed = start();
    await committed.untilReady();
    {
      using _ = onFailpoint('engine.cutover.destination-open', () => {
        throw new Error('as if a privilege was withdrawn');
      });
      committed.steering.cutOver();
      await assert.rejects(committed.outcome);
    }
    await allowWrites(pair.source.client);
    const items = app.db('shop').collection('items');
    await items.insertOne({ of: 'an application' });
    await using again = start(DROP);
    await assert.rejects(again.untilReady(), { code: 'DESTINATION_PRIMARY' });
    assert.equal(await items.countDocuments({ of: 'an application' }), 1);
    await using resumed = start({ migrationId: committed.progress.migrationId });
    assert.equal(await resumed.outcome, 'COMMITTED');
  });

  test('a migration that is cancelled before it began takes nothing from the migration that runs', async () => {
    await using first = start();
    await first.untilReady();
    await using second = start(DROP);
    await second.steering.cancel(true);
    assert.equal(await second.outcome, 'CANCELLED');
    await assert.rejects(app.db('shop').collection('items').deleteMany({}), BLOCKED);
    await first.commit();
  });

  test('a migration that is cancelled while its first record waits for the destination takes nothing, either', async () => {
    await using first = start();
    await first.untilReady();
    const owner = pair.destination.client.db('linkspan_internal').collection('destination');
    // As while a cleanup ends.
    await owner.updateOne({}, { $set: { closingAt: new Date() } });
    await using second = start(DROP);
    await second.until('the wait', ({ waiting }) => waiting.some(({ reason }) => /cleanup/.test(reason)));
    const cancelling = second.steering.cancel(true);
    await owner.updateOne({}, { $unset: { closingAt: 1 } });
    await cancelling;
    assert.equal(await second.outcome, 'CANCELLED');
    await assert.rejects(app.db('shop').collection('items').deleteMany({}), BLOCKED);
    await first.commit();
  });

  test('a cleanup that a new migration overtakes does not open its destination', async () => {
    const migrationId = await stopped();
    await fallSilent(pair.destination, migrationId);
    let second: RunningMigration | undefined;
    using _ = onFailpoint('engine.cleanup.about-to-unblock', async () => {
      second = start(DROP);
      await second.untilReady();
    });
    await assert.rejects(cleanUp(pair.destination, migrationId, { drop: true }), { code: 'TAKEN_OVER' });
    await assert.rejects(app.db('shop').collection('items').deleteMany({}), BLOCKED);
    await second?.commit();
    await expectIdentical(pair);
  });

  test('a migration that begins while the last checkpoint is removed keeps its own', async () => {
    const migrationId = await stopped();
    await fallSilent(pair.destination, migrationId);
    let second: RunningMigration | undefined;
    using _ = onFailpoint('engine.cleanup.closing', async () => {
      second ??= start();
      await second.until('the wait', ({ waiting }) => waiting.some(({ reason }) => /cleanup/.test(reason)));
    });
    await cleanUp(pair.destination, migrationId, { drop: true });
    await second?.commit();
    await expectIdentical(pair);
  });

  test('beside a record of another version no migration begins, and nothing is written', async () => {
    const migrationId = await stopped();
    const records = pair.destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
    await records.updateOne({ _id: migrationId }, { $set: { schema: CHECKPOINT_SCHEMA - 2, state: 'committed' } });
    await fallSilent(pair.destination, migrationId);
    const before = await records.find().toArray();
    for (const options of [{}, DROP, { keepDestination: true }]) {
      await using refused = start(options);
      const message = new RegExp(migrationId);
      await assert.rejects(refused.outcome, { code: 'CHECKPOINT_OF_OTHER_VERSION', message });
    }
    assert.deepEqual(await records.find().toArray(), before);
    assert.equal(await app.db('shop').collection('items').countDocuments(), 100);
  });
});

async function startAnew(pair: ReplicaSetPair): Promise<void> {
  await emptyPair(pair);
  const shop = pair.source.client.db('shop');
  await shop.collection<{ _id: number }>('items').insertMany(identified(100));
  await shop.createCollection('few', { viewOn: 'items', pipeline: [{ $match: { _id: { $lt: 5 } } }] });
}
