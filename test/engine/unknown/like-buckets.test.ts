import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { digestCluster, preflight } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { verify } from '../compare-clusters/verify-pair.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

const skip = needsSource('6.0', 'its catalog has to stand still');
const NAME = /shop\.system\.buckets\.orphan/;

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair();
});
after(() => pair[Symbol.asyncDispose]());
beforeEach(() => emptyPair(pair));

const refusals = async () => {
  const findings = await preflight({
    migrationId: newId(),
    source: { uri: pair.source.uri },
    destination: { uri: pair.destination.uri },
    dropDestination: false,
    logger: silentLogger,
  });
  return findings.filter(({ code }) => code === 'UNSUPPORTED_NAMESPACE').map(({ message }) => message);
};

// id: plain-buckets-name-refused
test('a plain collection with a name of buckets is refused by its name: by plan, sync, verify and digest', {
  skip: needsSource('6.0', 'every time series is refused there'),
}, async () => {
  const shop = pair.source.client.db('shop');
  await shop.command({ create: 'system.buckets.orphan' });
  await shop.collection('system.buckets.orphan').insertOne({ n: 1 });
  const [refusal, ...others] = await refusals();
  assert.match(refusal ?? '', NAME);
  assert.match(refusal ?? '', /no time series/);
  assert.deepEqual(others, []);
  await assert.rejects(syncOnce(pair, { once: true }), { code: 'UNSUPPORTED_NAMESPACE', message: NAME });
  await assert.rejects(verify(pair), { code: 'NOT_COMPARABLE', message: NAME });
  const cluster = { uri: pair.source.uri };
  const digested = digestCluster({ cluster, logger: silentLogger }, new AbortController().signal);
  await assert.rejects(digested, { code: 'NOT_COMPARABLE', message: NAME });
});

test('verify names a plain collection with a name of buckets on the destination too', async () => {
  await pair.destination.client.db('shop').command({ create: 'system.buckets.orphan' });
  await assert.rejects(verify(pair), { code: 'NOT_COMPARABLE', message: NAME });
});

test('a collection beside a plain one with the name of its buckets does not hide that', async () => {
  const shop = pair.source.client.db('shop');
  await shop.command({ create: 'system.buckets.orphan' });
  await shop.createCollection('orphan');
  assert.match((await refusals()).join(), NAME);
});

test('a plan names buckets whose time series is missing permanently', { skip }, async () => {
  const options = { clusteredIndex: true, timeseries: { timeField: 'at' } };
  await pair.source.client.db('shop').command({ create: 'system.buckets.orphan', ...options });
  const [refusal] = await refusals();
  assert.match(refusal ?? '', NAME);
  assert.match(refusal ?? '', /buckets of a time series that does not exist/);
});

// id: waits-for-plain-buckets-name
test('a migration waits for a plain collection with a name of buckets, with its name, until it is dropped', {
  skip,
}, async () => {
  const shop = pair.source.client.db('shop');
  await shop.collection('items').insertOne({ n: 1 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await shop.command({ create: 'system.buckets.orphan' });
  await running.until('the wait', ({ waiting }) => waiting.some(({ reason }) => NAME.test(reason)));
  await shop.collection('system.buckets.orphan').drop();
  await shop.collection('items').insertOne({ n: 2 });
  await running.commit();
  await expectIdentical(pair);
});
