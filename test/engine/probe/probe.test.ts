import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Document } from 'mongodb';
import { probeClusters } from '../../../src/engine/index.ts';
import { batchOf, type Rewrites, startDialect } from '../../support/dialect.ts';
import { leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const DATABASE = 'linkspan_probe';
const never = new AbortController().signal;

describe('a probe of two clusters', { skip: needsSource('6.0', 'its facts are others') }, () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());
  beforeEach(() => emptyPair(pair));

  const databasesOf = async ({ client }: ReplicaSet) =>
    (await client.db('admin').admin().listDatabases({ nameOnly: true })).databases.map(({ name }) => name).sort();
  const probe = async ({ isScratch = false, signal = never, destination = { uri: pair.destination.uri } } = {}) =>
    await probeClusters({ source: { uri: pair.source.uri }, destination, isScratch }, signal);
  const others = (facts: Awaited<ReturnType<typeof probe>>['facts']) =>
    facts.filter(({ verdict }) => verdict !== 'AS_EXPECTED').map(({ name, verdict, seen }) => [name, verdict, seen]);
  const mark = async (marker: Document) =>
    void (await pair.destination.client.db(DATABASE).collection<Document>('probe_marker').insertOne(marker));
  const OLD = { _id: 'probe', at: new Date(0) };

  // id: facts-as-expected
  test('servers of 6.0 do all that is expected, twice the same, and nothing is left or written to the source', async () => {
    await pair.source.client.db('shop').collection('orders').insertOne({ secret: 'of a user' });
    const lastOnSource = async () =>
      await pair.source.client
        .db('local')
        .collection('oplog.rs')
        .findOne({ op: { $ne: 'n' }, ns: { $not: /^config\./ } }, { sort: { $natural: -1 }, projection: { ts: 1 } });
    const before = await lastOnSource();
    const { facts, needScratch, destination } = await probe({ isScratch: true });
    assert.deepEqual(others(facts), []);
    assert.ok(facts.length > 45, `${facts.length} facts`);
    assert.match(destination.version, /^6\./);
    assert.deepEqual(needScratch, []);
    assert.deepEqual(await lastOnSource(), before);
    assert.deepEqual(await databasesOf(pair.destination), ['admin', 'config', 'local']);
    assert.deepEqual((await probe({ isScratch: true })).facts, facts);
    const text = JSON.stringify(facts);
    assert.doesNotMatch(text, /of a user|127\.0\.0\.1|localhost/);
    const quiet = await probe();
    assert.deepEqual(
      facts.filter(({ name }) => !quiet.facts.some((one) => one.name === name)).map(({ name }) => name),
      ['WRITE_BLOCK'],
    );
  });

  // id: probe-mismatch
  test('a mismatch is judged by what it endangers (dialect, not a real server)', async () => {
    const rewrites: Rewrites = {
      listCollections: (reply) => {
        for (const one of batchOf(reply)) if (one.name === 'list_plain') delete one.info?.uuid;
      },
      listIndexes: (reply) => {
        for (const one of batchOf(reply)) if (one.name === 'n') one.quantization = 'scalar';
      },
      buildInfo: (reply) => {
        reply.version = '9.0.1';
      },
    };
    await using destination = await startDialect(pair.destination, rewrites);
    const { facts, needScratch } = await probe({ destination });
    const found = others(facts);
    const verdictOf = (name: string) => found.find(([one]) => one === name)?.slice(1);
    assert.deepEqual(verdictOf('LISTING_OF_PLAIN'), ['ENDANGERS_DATA', 'collection']);
    assert.deepEqual(verdictOf('LISTING_OF_INDEX'), ['DIFFERS', 'key, name, quantization, v']);
    assert.deepEqual(verdictOf('WIRE_VERSION'), ['DIFFERS', '17']);
    assert.deepEqual(verdictOf('FEATURE_COMPATIBILITY_VERSION'), ['HANDLED', 'an older one']);
    assert.ok(needScratch.includes('EMPTY_TIMESTAMP'), 'the source has another version');
    assert.deepEqual(await databasesOf(pair.destination), ['admin', 'config', 'local']);
  });

  // id: probe-rest-removed
  test('a rest of a killed probe is removed and its write block lifted, and other data is kept', async () => {
    const destination = pair.destination.client;
    await destination.db(DATABASE).collection('list_plain').insertOne({});
    await assert.rejects(probe(), { code: 'PROBE_DATABASE_TAKEN', message: /is not of a probe/ });
    assert.equal(await destination.db(DATABASE).collection('list_plain').countDocuments(), 1);
    await mark({ _id: 'probe', at: new Date() });
    await assert.rejects(probe(), { code: 'PROBE_DATABASE_TAKEN', message: /less than two minutes ago/ });
    await destination.db(DATABASE).collection('probe_marker').deleteMany({});
    await mark({ ...OLD, blocks: true });
    await destination.db('admin').command({ setUserWriteBlockMode: 1, global: true });
    // It was read before the rest was removed.
    assert.deepEqual(others((await probe()).facts), [['WRITE_BLOCK_MODE', 'HANDLED', '2']]);
    assert.deepEqual(await databasesOf(pair.destination), ['admin', 'config', 'local']);
    await destination.db(DATABASE).createCollection('probe_marker');
    assert.deepEqual(others((await probe()).facts), [], 'killed before its marker');
  });

  // id: probe-stopped
  test('a probe that is stopped in the middle of a fact leaves nothing, and no write block', async () => {
    for (const point of ['engine.probe.fact', 'engine.probe.blocked']) {
      const stop = new AbortController();
      using reached = onceAt(point, async () => void setImmediate(() => stop.abort()));
      const { facts } = await probe({ isScratch: true, signal: stop.signal });
      assert.ok(reached.result !== undefined, point);
      assert.ok(facts.some(({ verdict }) => verdict === 'UNSEEN'));
      assert.deepEqual(await databasesOf(pair.destination), ['admin', 'config', 'local']);
      const { repl } = await pair.destination.client.db('admin').command({ serverStatus: 1 });
      assert.equal(repl.userWriteBlockMode, 1);
    }
  });

  // id: probe-lift-repeated
  test('a lift of the write block that fails is repeated, and nothing is left after a write without acknowledgement', async () => {
    const { destination } = pair;
    {
      using reached = onceAt('engine.probe.blocked', () =>
        destination.failCommand({
          data: { failCommands: ['setUserWriteBlockMode'], errorCode: 11600 },
          mode: { times: 1 },
        }),
      );
      const { facts } = await probe({ isScratch: true });
      assert.ok(reached.result !== undefined);
      assert.deepEqual(others(facts), [['WRITE_BLOCK', 'UNSEEN', null]]);
      assert.equal((await destination.client.db('admin').command({ serverStatus: 1 })).repl.userWriteBlockMode, 1);
    }
    const writeConcernError = { code: 64, errmsg: 'no majority' };
    await destination.failCommand({ data: { failCommands: ['insert'], writeConcernError }, mode: { times: 1 } });
    await probe();
    assert.deepEqual(await databasesOf(destination), ['admin', 'config', 'local']);
  });

  test('a destination that another migration uses is not probed, nor the source itself', async () => {
    await assert.rejects(probe({ destination: { uri: pair.source.uri } }), { code: 'SAME_CLUSTER' });
    await using running = RunningMigration.start(pair, {});
    await running.untilReady();
    await assert.rejects(probe(), { code: 'DESTINATION_IN_USE' });
  });
});

// id: probe-least-privileges
test('users with the privileges of a migration see all facts but one of the source', {
  skip: needsSource('6.0', 'its facts are others'),
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const { facts } = await probeClusters({ ...(await leastPrivilegeUsers(pair)), isScratch: true }, never);
  assert.deepEqual(
    facts.filter(({ verdict }) => verdict !== 'AS_EXPECTED').map(({ name, why }) => [name, why]),
    [['OPLOG_NOTE', 'the server answers Unauthorized (13)']],
  );
  await pair.destination.createUser('reader', 'secret', ['clusterMonitor']);
  const blind = { uri: pair.destination.uriFor('reader', 'secret') };
  const report = await probeClusters({ source: { uri: pair.source.uri }, destination: blind, isScratch: false }, never);
  const seen = report.facts.filter(({ side, verdict }) => side === 'DESTINATION' && verdict === 'AS_EXPECTED');
  assert.ok(seen.some(({ name }) => name === 'WRITE_BLOCK_MODE'));
  assert.ok(report.facts.some(({ name, verdict }) => name === 'EMPTY_TIMESTAMP' && verdict === 'UNSEEN'));
});
