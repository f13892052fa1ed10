import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from 'mongodb';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const DOCUMENTS = 3_000;
const CHANGES = 40;
/** A read may examine so many documents beside those that it returns or is asked for. */
const FEW = 10;

const KINDS = {
  plain: {},
  clustered: { clusteredIndex: { key: { _id: 1 }, unique: true } },
  collated: { collation: { locale: 'en', strength: 2 } },
  'clustered and collated': {
    clusteredIndex: { key: { _id: 1 }, unique: true },
    collation: { locale: 'en', strength: 2 },
  },
  'hashed _id': {},
  capped: { capped: true, size: 10_000_000 },
} as const;

const idOf = (n: number) => `k${String(n).padStart(6, '0')}`;

test('each read and each write examines about as many documents as it asks for, in collections of all kinds', {
  skip: needsSource('6.0', 'it has no clustered collections'),
}, async () => {
  const profiling = { mongodArgs: ['--profile', '2'] };
  await using pair = await startPair({ source: profiling, destination: profiling });
  const shop = pair.source.client.db('shop');
  for (const [name, options] of Object.entries(KINDS)) {
    const items = await shop.createCollection<{ _id: string; n: number }>(name, options);
    await items.insertMany(Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: idOf(n), n })));
  }
  await shop.collection('hashed _id').createIndex({ _id: 'hashed' });
  const series = await shop.createCollection('series', { timeseries: { timeField: 'at', metaField: 'of' } });
  const measured = (n: number) => ({ at: new Date(1_700_000_000_000 + n * 7_000), of: n % 1_000 });
  await series.insertMany(Array.from({ length: DOCUMENTS }, (_, n) => measured(n)));

  await using running = RunningMigration.start(pair);
  await running.untilReady();
  for (const name of Object.keys(KINDS)) {
    const items = shop.collection<{ _id: string; n: number }>(name);
    const changed = Array.from({ length: CHANGES }, (_, n) => idOf((n * 997) % DOCUMENTS));
    await items.bulkWrite(changed.map((_id) => ({ updateOne: { filter: { _id }, update: { $inc: { n: 1 } } } })));
    await items.deleteOne({ _id: idOf(1) });
  }
  await series.insertMany(Array.from({ length: CHANGES }, (_, n) => measured(n * 50)));
  await running.commit();
  for (const side of [pair.source, pair.destination]) {
    const operations = await takeProfile(side);
    assert.ok(operations.length > 0);
    assert.deepEqual(operations.filter(examinesMuch).map(shown), []);
  }
  await expectIdentical(pair);
});

/** Returns the reads and writes of the engine, and removes the profile. */
async function takeProfile({ client }: ReplicaSet): Promise<Document[]> {
  const shop = client.db('shop');
  await client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
  await shop.command({ profile: 0 });
  const filter = {
    appName: /^linkspan/,
    op: { $in: ['query', 'getmore', 'update', 'remove'] },
    docsExamined: { $gt: 0 },
  };
  const operations = await shop.collection('system.profile').find(filter).toArray();
  await shop.collection('system.profile').drop();
  return operations;
}

function examinesMuch({ command, docsExamined, nreturned = 0, nMatched = 0, ndeleted = 0 }: Document): boolean {
  const asked = command.filter?._id?.$in?.length ?? 1;
  return docsExamined > 2 * (asked + nreturned + nMatched + ndeleted) + FEW;
}

function shown({ op, ns, command, docsExamined, nreturned, planSummary }: Document): string {
  return `${op} ${ns} ${planSummary}: ${docsExamined} for ${nreturned}: ${JSON.stringify(command).slice(0, 300)}`;
}
