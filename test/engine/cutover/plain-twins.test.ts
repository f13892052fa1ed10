import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Collection, Double } from 'mongodb';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

const itemsOf = ({ client }: ReplicaSet): Collection => client.db('shop').collection('items');

/** Makes two indexes on one key, of which one is unique. */
async function indexTwice(items: Collection, field: string): Promise<void> {
  await items.createIndex({ [field]: 1 }, { name: `${field} plain`, expireAfterSeconds: 3_600 });
  await items.createIndex({ [field]: 1 }, { name: `${field} unique`, unique: true });
}

async function namesOf(set: ReplicaSet): Promise<string[]> {
  return (await itemsOf(set).indexes()).map(({ name }) => String(name)).toSorted();
}

const BOTH = ['_id_', 'n plain', 'n unique'];

// id: two-indexes-on-one-key
test('of two indexes on one key the unique one stands for both until the cutover, also when they are made while the migration follows', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = itemsOf(pair.source);
  await items.insertMany(numbered(20).map(({ n }) => ({ n, later: n, old: n })));
  await indexTwice(items, 'n');
  await items.createIndexes([
    { key: { old: 1 }, name: 'old plain' },
    { key: { old: new Double(1) as unknown as 1 }, name: 'old unique', hidden: true, unique: true },
  ]);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  assert.deepEqual(await namesOf(pair.destination), ['_id_', 'n unique', 'old unique']);
  await indexTwice(items, 'later');
  await running.commit();
  await expectIdentical(pair);
});

// id: killed-before-second-index
test('an index that waits for its unique twin is built by the engine that finishes the cutover', { skip }, async () => {
  await using pair = await startPair();
  await itemsOf(pair.source).insertMany(numbered(20));
  await indexTwice(itemsOf(pair.source), 'n');
  const migrationId = newId();
  {
    using _ = onFailpoint('engine.cutover.destination-open', () => {
      throw new Error('the engine ends here');
    });
    await using first = RunningMigration.start(pair, { migrationId });
    await first.untilReady();
    first.steering.cutOver();
    await assert.rejects(first.outcome);
  }
  await using second = RunningMigration.start(pair, { migrationId });
  assert.equal(await second.outcome, 'COMMITTED');
  await expectIdentical(pair);
});

test('a former source keeps both indexes on one key, and a return has those that users made', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await itemsOf(pair.source).insertMany(numbered(20).map(({ n }) => ({ n, later: n })));
  await indexTwice(itemsOf(pair.source), 'n');
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  assert.deepEqual(await namesOf(pair.destination), BOTH);
  await running.untilFollowing();
  assert.deepEqual(await namesOf(pair.source), BOTH);
  await indexTwice(itemsOf(pair.destination), 'later');
  await running.steering.reverse();
  await running.cutOver();
  await running.steering.finish();
  await expectIdentical(pair);
});
