import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Document, MongoClient } from 'mongodb';
import { type Clock, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const DOCUMENTS = 100;
/** Turns off the regular checks, which might notice first. */
const seldom: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms < 5_000 ? ms : 3_600_000, signal),
};

async function startFilled(): Promise<ReplicaSetPair> {
  const pair = await startPair();
  const documents = numbered(DOCUMENTS);
  await pair.source.client.db('shop').collection('c').insertMany(documents);
  return pair;
}

/** Removes the disk of a replica set's only member, and initiates the set again under its name. */
async function beginAnew({ members, name }: ReplicaSet, before?: Document): Promise<void> {
  const [member] = members;
  await member?.wipe();
  await using client = new MongoClient(`mongodb://127.0.0.1:${member?.port}/?directConnection=true`);
  if (before !== undefined) await client.db('admin').command(before);
  const config = { _id: name, members: [{ _id: 0, host: `127.0.0.1:${member?.port}` }] };
  await client.db('admin').command({ replSetInitiate: config });
}

async function endsOfOtherSource(running: RunningMigration, { destination }: ReplicaSetPair): Promise<void> {
  await assert.rejects(
    running.until('the end', () => false),
    { code: 'OTHER_SOURCE' },
  );
  const copied = destination.client.db('shop').collection('c');
  assert.equal(await copied.countDocuments(), DOCUMENTS, 'nothing is dropped');
}

// These tests confirm all drops: an empty other cluster must still not count as one.

// id: initiated-source-refused
test('a source that is initiated again under its name fails the migration, and removes nothing from the destination', async () => {
  await using pair = await startFilled();
  await using running = RunningMigration.start(pair, { clock: seldom });
  await running.untilReady();
  await beginAnew(pair.source);
  await endsOfOtherSource(running, pair);
});

test('a source that is initiated again, whose oplog does not reach back, gets no position on record', async () => {
  await using pair = await startFilled();
  await using running = RunningMigration.start(pair, { clock: seldom });
  await running.untilReady();
  let fixed = false;
  using _ = onFailpoint('engine.capture.position-fixed-anew', () => {
    fixed = true;
  });
  // A newly initiated set has its whole history, so its servers accept the resume token.
  await beginAnew(pair.source, {
    configureFailPoint: 'failCommand',
    mode: { times: 1 },
    data: { failCommands: ['aggregate'], errorCode: 286, appName: 'linkspan-source' },
  });
  await endsOfOtherSource(running, pair);
  assert.equal(fixed, false);
});

// id: initiated-while-comparing-catalogs
test('a source that is initiated again while the catalogs are being compared removes nothing from the destination', {
  skip: needsSource('6.0', 'the catalog has to stand still'),
}, async () => {
  await using pair = await startFilled();
  await using running = RunningMigration.start(pair, { clock: seldom });
  await running.untilReady();
  using begun = onceAt('engine.catalog.comparison-begun', () => beginAnew(pair.source));
  // The answer is lost, because the server stops.
  await pair.source.client
    .db('shop')
    .createCollection('other')
    .catch(() => undefined);
  await endsOfOtherSource(running, pair);
  assert.ok(begun.result !== undefined);
});

// id: initiated-destination-refused
test('a destination that is initiated again fails the migration, and nothing of it is written there', async () => {
  await using pair = await startFilled();
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await beginAnew(pair.destination);
  await pair.source.client
    .db('shop')
    .collection('c')
    .updateMany({}, { $inc: { n: 1 } });
  await assert.rejects(
    running.until('the end', () => false),
    { code: 'OTHER_SOURCE' },
  );
  assert.equal(running.progress.error?.code, 'OTHER_SOURCE');
  const names = (await pair.destination.client.db('admin').admin().listDatabases()).databases.map(({ name }) => name);
  assert.ok(!names.includes('shop'), 'nothing is written to another cluster');
});
