import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection, CreateIndexesOptions, Document, IndexSpecification } from 'mongodb';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { allowWrites, needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';
import { seedIndexed, standingOf } from '../weakened-indexes.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');
const HOUR_S = 3_600;
const NAME = 'index';

interface UsersChange {
  /** What users do with the index of the source. */
  readonly does: (collection: Collection) => Promise<unknown>;
  /** What the cutover's warning says about it. */
  readonly left: string;
}

async function remake(collection: Collection, key: IndexSpecification): Promise<void> {
  await collection.dropIndex(NAME);
  await collection.createIndex(key, { name: NAME });
}

async function change(collection: Collection, fields: Document): Promise<void> {
  await collection.db.command({ collMod: collection.collectionName, index: { name: NAME, ...fields } });
}

const OF_EXPIRY: Readonly<Record<string, UsersChange>> = {
  longer: {
    does: (collection) => change(collection, { expireAfterSeconds: 24 * HOUR_S }),
    left: 'expireAfterSeconds 3600',
  },
  'without expiry': { does: (collection) => remake(collection, { at: 1 }), left: 'expireAfterSeconds 3600' },
  compound: { does: (collection) => remake(collection, { at: 1, n: 1 }), left: 'changed' },
};

const OF_UNIQUENESS: Readonly<Record<string, UsersChange>> = {
  dropped: { does: (collection) => collection.dropIndex(NAME), left: 'missing' },
  plain: { does: (collection) => remake(collection, { n: 1 }), left: 'unique' },
  'plain with duplicates': {
    does: async (collection) => {
      await remake(collection, { n: 1 });
      await collection.insertMany(numbered(2));
    },
    left: 'unique',
  },
  'of another field': { does: (collection) => remake(collection, { at: 1 }), left: 'changed' },
  'descending, prepared': {
    does: async (collection) => {
      await remake(collection, { n: -1 });
      await change(collection, { prepareUnique: true });
    },
    left: 'changed',
  },
  'of text': { does: (collection) => remake(collection, { n: 'text' }), left: 'changed' },
  'not prepared': { does: (collection) => change(collection, { prepareUnique: false }), left: 'unique' },
  'prepared with duplicates': {
    does: async (collection) => {
      await change(collection, { prepareUnique: false });
      await collection.insertMany(numbered(2));
      await change(collection, { prepareUnique: true });
    },
    left: 'unique',
  },
};

const CHANGES = { ...OF_EXPIRY, ...OF_UNIQUENESS };

// id: users-index-changes-stay
test('indexes that users change on the open destination stay as they made them, and the failback follows', {
  skip,
}, async (t) => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const [here, there] = [pair.source.client.db('shop'), pair.destination.client.db('shop')];
  const clusteredIndex = { key: { _id: 1 }, unique: true };
  await here.createCollection('clustered', { clusteredIndex, expireAfterSeconds: HOUR_S });
  const make = async (name: string, key: IndexSpecification, options: CreateIndexesOptions) => {
    await here.collection(name).insertMany(numbered(3));
    await here.collection(name).createIndex(key, { name: NAME, ...options });
  };
  for (const name of Object.keys(OF_EXPIRY)) await make(name, { at: 1 }, { expireAfterSeconds: HOUR_S });
  for (const name of ['kept', ...Object.keys(OF_UNIQUENESS)]) await make(name, { n: 1 }, { unique: true });
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.until('the migration to be ready', () => running.progress.readyForCutover);
  using held = holdAt('engine.cutover.destination-open', { times: 1 });
  running.steering.cutOver();
  await held.reached;

  const opened = await definitionsIn(pair);
  await there.command({ collMod: 'clustered', expireAfterSeconds: 'off' });
  for (const [name, { does }] of Object.entries(CHANGES)) await does(there.collection(name));
  const changed = await definitionsIn(pair);
  held.release();
  await running.untilFollowing();
  const ended = await definitionsIn(pair);

  await t.test('documents may expire, and duplicates are refused, from the opening on', () => {
    assert.equal(opened.get('clustered')?.expireAfterSeconds, HOUR_S);
    for (const name of Object.keys(OF_EXPIRY)) assert.equal(opened.get(name)?.expireAfterSeconds, HOUR_S, name);
    for (const name of Object.keys(OF_UNIQUENESS)) assert.equal(opened.get(name)?.prepareUnique, true, name);
  });
  await t.test('an index that no one has changed becomes unique', () => {
    assert.equal(ended.get('kept')?.unique, true);
  });
  for (const name of ['clustered', ...Object.keys(CHANGES)])
    await t.test(name, () => assert.deepEqual(ended.get(name), changed.get(name)));
  await t.test('the report names them', () => {
    const { warnings = [] } = running.progress.cutoverReport ?? {};
    const [warning] = warnings.filter((one) => one.startsWith('On the open destination'));
    assert.match(warning ?? '', /12 indexes and collections had .* and 2 more\.$/);
    const named = Object.entries(CHANGES).filter(([name, { left }]) =>
      warning?.includes(`shop.${name}: ${NAME} (${left})`),
    );
    assert.equal(named.length + Number(warning?.includes('shop.clustered (expireAfterSeconds 3600)')), 10);
  });
});

// id: killed-before-opening
test('an engine that was killed before it opened the destination restores expiry and uniqueness before users can write', {
  skip,
}, async () => {
  await using pair = await startPair({ destination: { auth: true } });
  await seedIndexed(pair.source);
  const migrationId = await endedAt('engine.cutover.committed', pair);
  using atOpening = onceAt('engine.cutover.unique-prepared', () => standingOf(pair.destination));
  await using again = RunningMigration.start(pair, { migrationId });
  assert.equal(await again.outcome, 'COMMITTED');
  assert.deepEqual(await atOpening.result, { blocked: true, unique: false, expires: true });
  assert.doesNotMatch(again.progress.warnings.join(), /On the open destination/);
});

// id: opened-by-hand
test('an engine that finds the destination opened by hand restores only what no one has changed', {
  skip,
}, async () => {
  await using pair = await startPair({ destination: { auth: true } });
  await seedIndexed(pair.source);
  for (const name of ['of users', 'dropped']) {
    await pair.source.client.db('shop').collection(name).createIndex({ n: 1 }, { name: NAME, unique: true });
    await pair.source.client.db('shop').collection(name).createIndex({ at: 1 }, { expireAfterSeconds: HOUR_S });
  }
  const migrationId = await endedAt('engine.cutover.committed', pair);
  await allowWrites(pair.destination.client);
  const there = pair.destination.client.db('shop');
  await remake(there.collection('of users'), { n: 1 });
  await there.dropCollection('dropped');
  const changed = await there.collection('of users').indexes();
  await using again = RunningMigration.start(pair, { migrationId });
  assert.equal(await again.outcome, 'COMMITTED');
  assert.deepEqual(await standingOf(pair.destination), { blocked: false, unique: true, expires: true });
  assert.deepEqual(await there.collection('of users').indexes(), changed);
  const { warnings } = again.progress;
  const left = /2 indexes and collections .*: shop\.of users: index \(unique\), shop\.of users: at_1 \(expireAfter/;
  assert.match(warnings.join(), left);
});

// id: lifts-no-other-block
test('an engine that resumes after the opening lifts no block that another client has set since', {
  skip,
}, async () => {
  await using pair = await startPair({ destination: { auth: true } });
  await seedIndexed(pair.source);
  const migrationId = await endedAt('engine.cutover.destination-open', pair);
  await pair.destination.client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
  await using again = RunningMigration.start(pair, { migrationId });
  assert.equal(await again.outcome, 'COMMITTED');
  assert.deepEqual(await standingOf(pair.destination), { blocked: true, unique: true, expires: true });
});

/** Cuts over, and ends the engine at the point. @returns the migration's id */
async function endedAt(point: string, pair: ReplicaSetPair): Promise<string> {
  using _ = onceAt(point, () => Promise.reject(new Error('the engine ends here')));
  await using running = RunningMigration.start(pair);
  await assert.rejects(running.commit(), /the engine ends here/);
  return running.progress.migrationId;
}

/** Returns the index of each collection on the destination, and the options of the clustered one. */
async function definitionsIn({ destination }: ReplicaSetPair): Promise<ReadonlyMap<string, Document | undefined>> {
  const db = destination.client.db('shop');
  const [clustered] = await db.listCollections({ name: 'clustered' }).toArray();
  const definitions = new Map<string, Document | undefined>([
    ['clustered', (clustered as Document | undefined)?.options],
  ]);
  for (const name of ['kept', ...Object.keys(CHANGES)])
    definitions.set(
      name,
      (await db.collection(name).indexes()).find((one) => one.name === NAME),
    );
  return definitions;
}
