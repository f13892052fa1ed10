import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { UUID } from 'mongodb';
import { type MigrationOptions, preflight, ReversibleMigration } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair, startStandalone } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

describe('the preflight refuses', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair({ source: { auth: true } });
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  const options = (
    changes: { source?: string; destination?: string } & Partial<Omit<MigrationOptions, 'source' | 'destination'>> = {},
  ): MigrationOptions => ({
    migrationId: newId(),
    dropDestination: false,
    logger: silentLogger,
    ...changes,
    source: { uri: changes.source ?? pair.source.uri },
    destination: { uri: changes.destination ?? pair.destination.uri },
  });

  const refused = async (given: MigrationOptions, code: string, message: RegExp) => {
    const findings = await preflight(given);
    const errors = findings.filter(({ severity }) => severity === 'ERROR');
    assert.deepEqual(
      errors.map((finding) => finding.code),
      [code],
    );
    assert.match(errors[0]?.message ?? '', message);
    assert.ok((errors[0]?.remedy ?? '').length > 20, 'it has a remedy');
    await assert.rejects(new ReversibleMigration(given).run(AbortSignal.timeout(30_000)), { code });
    assert.deepEqual(
      await pair.destination.client.db('linkspan_internal').listCollections().toArray(),
      [],
      'nothing was written',
    );
  };

  test('a stand-alone server', async () => {
    await using standalone = await startStandalone();
    await refused(options({ source: standalone.uri }), 'STANDALONE_SERVER', /^The source .* standalone/);
  });

  test('a wrong password, which is not shown', async () => {
    const wrong = pair.source.uriFor('root', 'wr0ng-passw0rd');
    await refused(options({ source: wrong }), 'AUTHENTICATION_FAILED', /^The source refused/);
  });

  test('a server that does not answer', async () => {
    await refused(
      options({ source: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500' }),
      'SOURCE_UNREACHABLE',
      /127\.0\.0\.1:1/,
    );
  });

  test('an invalid connection string', async () => {
    await refused(options({ source: 'mongo://nowhere' }), 'INVALID_CONNECTION_STRING', /source/);
  });

  test('options that weaken reads or writes', async () => {
    for (const option of ['readPreference=secondary', 'w=1', 'readConcernLevel=local', 'socketTimeoutMS=100']) {
      const separator = pair.source.uri.includes('?') ? '&' : '?';
      const name = option.split('=')[0] ?? '';
      await refused(
        options({ source: `${pair.source.uri}${separator}${option}` }),
        'WEAK_CONNECTION_OPTION',
        new RegExp(name),
      );
    }
  });

  test('one cluster as both sides', async () => {
    await refused(options({ source: pair.destination.uri }), 'SAME_CLUSTER', /same replica set/);
  });

  test('a user without the privileges, each named', async () => {
    await pair.source.createUser('weak', 'secret', ['readAnyDatabase', 'clusterMonitor']);
    const findings = await preflight(options({ source: pair.source.uriFor('weak', 'secret') }));
    const messages = findings.filter(({ code }) => code === 'MISSING_PRIVILEGE').map(({ message }) => message);
    assert.ok(messages.some((message) => message.includes('appendOplogNote')));
    const hasBlock = !needsSource('6.0', 'it cannot block writes');
    assert.equal(
      messages.some((message) => message.includes('setUserWriteBlockMode')),
      hasBlock,
    );
  });

  test('namespaces that can not be migrated yet, all of them at once', {
    skip: needsSource('6.0', 'it has no queryable encryption'),
  }, async () => {
    const db = pair.source.client.db('odd');
    for (const name of ['secret', 'hidden']) {
      await db.command({
        create: name,
        encryptedFields: { fields: [{ path: 'a', bsonType: 'string', keyId: new UUID() }] },
      });
    }
    const findings = await preflight(options());
    const messages = findings.filter(({ code }) => code === 'UNSUPPORTED_NAMESPACE').map(({ message }) => message);
    assert.equal(messages.length, 2);
    assert.match(messages.join(), /odd\.secret.*odd\.hidden|odd\.hidden.*odd\.secret/);
    await db.dropDatabase();
  });

  // id: destination-with-data
  test('a destination with data, unless it may be dropped', async () => {
    const other = pair.destination.client.db('precious').collection<{ _id: number }>('things');
    await other.insertOne({ _id: 1 });
    await refused(options(), 'DESTINATION_NOT_EMPTY', /precious/);
    assert.equal(await other.countDocuments(), 1);
    await pair.source.client.db('shop').collection<{ _id: number }>('items').insertOne({ _id: 1 });
    await syncOnce(pair, { dropDestination: true, once: true });
    await expectIdentical(pair);
  });

  test('a checkpoint of another source, and one of another version', async () => {
    const records = pair.destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
    const [record] = await records.find({}).toArray();
    const migrationId = record?._id ?? '';
    await records.updateOne({ _id: migrationId }, { $set: { sourceId: 'another' } });
    const again = options({ migrationId, dropDestination: true });
    await assert.rejects(new ReversibleMigration(again).run(AbortSignal.timeout(30_000)), { code: 'OTHER_SOURCE' });
    for (const schema of [2, 99]) {
      await records.updateOne({ _id: migrationId }, { $set: { schema } });
      const before = await records.find({}).toArray();
      await assert.rejects(new ReversibleMigration(again).run(AbortSignal.timeout(30_000)), {
        code: 'CHECKPOINT_OF_OTHER_VERSION',
      });
      assert.deepEqual(await records.find({}).toArray(), before);
    }
  });
});

describe('two engines for one migration', () => {
  checkForLeaks();

  test('the later one takes it, and the earlier one stops', async () => {
    await using pair = await startPair();
    await using first = RunningMigration.start(pair);
    await first.untilReady();
    await using second = RunningMigration.start(pair, { migrationId: first.progress.migrationId });
    await second.untilReady();
    await assert.rejects(first.outcome, { code: 'TAKEN_OVER' });
    await second.commit();
  });
});
