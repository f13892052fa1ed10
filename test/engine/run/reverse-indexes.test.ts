import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');
const HOUR_S = 3_600;

test('an index that users made again without its expiry or uniqueness has neither on the old source after a return', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const [here, there] = [pair.source.client.db('shop'), pair.destination.client.db('shop')];
  const dated = numbered(20).map((one) => ({ ...one, at: new Date(Date.now() + HOUR_S * 1_000) }));
  for (const name of ['sessions', 'seats', 'kept']) await here.collection(name).insertMany(dated);
  await here.collection('sessions').createIndex({ at: 1 }, { expireAfterSeconds: HOUR_S });
  await here.collection('seats').createIndex({ n: 1 }, { unique: true });
  await here.collection('kept').createIndex({ at: 1 }, { expireAfterSeconds: HOUR_S });
  await here.collection('kept').createIndex({ n: 1 }, { unique: true });
  await here.collection('prepared').createIndex({ n: 1 });
  await here.command({ collMod: 'prepared', index: { name: 'n_1', prepareUnique: true } });
  const addresses = await reversibleUsers(pair);
  const id = newId();
  {
    await using running = new RunningReversible(addresses, id);
    await running.cutOver();
    assert.equal(await running.stop(), 'STOPPED');
  }

  // The failback sees the indexes only as they are after all of this.
  await there.collection('sessions').dropIndex('at_1');
  await there.collection('sessions').createIndex({ at: 1 });
  await there.collection('seats').dropIndex('n_1');
  await there.collection('seats').createIndex({ n: 1 });
  await there.collection('seats').insertMany(numbered(5));
  await there.command({ collMod: 'prepared', index: { name: 'n_1', prepareUnique: false } });
  await there.collection('prepared').insertMany([...numbered(3), ...numbered(3)]);

  let dropped = 0;
  using _ = onFailpoint('engine.change.dropIndexes', () => {
    dropped += 1;
  });
  await using running = new RunningReversible(addresses, id);
  await running.returnToOldSource();
  await running.steering.finish();
  await expectIdentical(pair);
  assert.equal(dropped, 3, 'indexes that are the same on both sides stay');
});

test('an expiry that users changed, of an index or of a collection, is that of the old source before a return opens it', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const [here, there] = [pair.source.client.db('shop'), pair.destination.client.db('shop')];
  await here.collection('sessions').insertMany(numbered(20));
  await here.collection('sessions').createIndex({ at: 1 }, { expireAfterSeconds: HOUR_S });
  const clusteredIndex = { key: { _id: 1 }, unique: true };
  for (const name of ['longer', 'never'])
    await here.createCollection(name, { clusteredIndex, expireAfterSeconds: HOUR_S });
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  await there.command({ collMod: 'sessions', index: { name: 'at_1', expireAfterSeconds: 24 * HOUR_S } });
  await there.command({ collMod: 'longer', expireAfterSeconds: 24 * HOUR_S });
  await there.command({ collMod: 'never', expireAfterSeconds: 'off' });
  const expiry = async () => {
    const indexes = await here.collection('sessions').indexes();
    const listed = await here.listCollections({ name: { $in: ['longer', 'never'] } }).toArray();
    return {
      index: indexes.find(({ name }) => name === 'at_1')?.expireAfterSeconds,
      collections: Object.fromEntries(
        listed.map((one) => [one.name, 'options' in one ? one.options?.expireAfterSeconds : undefined]),
      ),
    };
  };
  let committed = false;
  let commands = 0;
  using _committed = onFailpoint('engine.cutover.committed', () => {
    committed = true;
  });
  using _command = onFailpoint('engine.change.collMod', () => {
    commands += committed ? 1 : 0;
  });
  using atOpening = onceAt('engine.cutover.destination-open', expiry);
  await running.returnToOldSource();
  assert.deepEqual(await atOpening.result, {
    index: 24 * HOUR_S,
    collections: { longer: 24 * HOUR_S, never: undefined },
  });
  assert.equal(commands, 2, 'nothing is sent in the pause for an index that has its expiry');
  await running.steering.finish();
  await expectIdentical(pair);
});

test('an expiry or uniqueness that only the old source has keeps a return from being committed', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const here = pair.source.client.db('shop');
  await here.collection('sessions').insertMany(numbered(20));
  for (const name of ['at', 'n']) await here.collection('sessions').createIndex({ [name]: 1 });
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  await running.steering.reverse();
  await here.command({ collMod: 'sessions', index: { name: 'at_1', expireAfterSeconds: HOUR_S } });
  await here.command({ collMod: 'sessions', index: { name: 'n_1', prepareUnique: true } });
  running.steering.cutOver();
  const found = () => running.progress.verification.catalogDifferences ?? [];
  await running.until('the differences to be reported', () => found().length > 0);
  assert.equal(running.progress.readyForCutover, false);
  assert.deepEqual(found(), [
    'shop.sessions: index at_1 expireAfterSeconds (source none, destination {"$numberDouble":"3600.0"})',
    'shop.sessions: index n_1 prepareUnique (source none, destination true)',
  ]);
  await here.collection('sessions').dropIndex('at_1');
  await here.collection('sessions').createIndex({ at: 1 });
  await here.command({ collMod: 'sessions', index: { name: 'n_1', prepareUnique: false } });
  await running.until('the return', () => running.progress.state === 'COMMITTED');
  await running.untilFollowing();
  await running.steering.finish();
  await expectIdentical(pair);
});
