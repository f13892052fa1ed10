import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document, MongoClient } from 'mongodb';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');
const A_DAY_SECONDS = 86_400;

// id: pause-whatever-the-size
test('the write pause takes the same commands and reads the same documents, whatever the size of the collections', {
  skip,
}, async () => {
  const small = await commandsInPause(10);
  assert.ok(small.some((command) => command.startsWith('source find shop.log')));
  assert.ok(small.some((command) => command.startsWith('destination collMod shop.unique')));
  assert.deepEqual(await commandsInPause(10_000), small);
});

/** Returns what the servers did in user databases from the block of the source to the opening of the destination, sorted. */
async function commandsInPause(documents: number): Promise<string[]> {
  const profiling = { mongodArgs: ['--profile', '2'] };
  await using pair = await startPair({ source: profiling, destination: profiling });
  await seed(pair.source.client, documents);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using blocked = onceAt('engine.cutover.source-blocked', async () => new Date());
  using open = onceAt('engine.cutover.destination-open', async () => new Date());
  await running.commit();
  assert.equal(running.progress.cutoverAttempts.length, 1);
  const [from, to] = [await blocked.result, await open.result];
  const profiles = await Promise.all([
    profileOf('source', pair.source, from, to),
    profileOf('destination', pair.destination, from, to),
  ]);
  return profiles.flat().toSorted();
}

async function seed(client: MongoClient, documents: number): Promise<void> {
  const shop = client.db('shop');
  await shop.createCollection('log', { capped: true, size: 100_000_000 });
  await shop.createCollection('series', { timeseries: { timeField: 'at', metaField: 'n' } });
  await shop.collection('unique').createIndex({ n: 1 }, { unique: true });
  await shop.collection('expiring').createIndex({ at: 1 }, { expireAfterSeconds: A_DAY_SECONDS });
  for (const name of ['log', 'series', 'unique', 'expiring'])
    await shop.collection(name).insertMany(numbered(documents, { at: new Date() }));
}

async function profileOf(side: string, { client }: ReplicaSet, from: unknown, to: unknown): Promise<string[]> {
  const shop = client.db('shop');
  await client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
  await shop.command({ profile: 0 });
  const during = { appName: /^linkspan/, ts: { $gte: from, $lte: to } };
  // How often indexes are listed depends on when the engine has made them.
  const sized = { ...during, 'command.listIndexes': { $exists: false } };
  const operations = await shop.collection('system.profile').find(sized).toArray();
  await shop.collection('system.profile').drop();
  return operations.map(({ command, ns, docsExamined = 0, keysExamined = 0 }: Document) =>
    [side, Object.keys(command)[0], ns, docsExamined, keysExamined].join(' '),
  );
}
