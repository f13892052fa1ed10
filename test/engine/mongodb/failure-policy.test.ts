import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient, MongoServerError } from 'mongodb';
import { classify, FAILURES, isUnknown } from '../../../src/engine/mongodb/failure-policy.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startPair, startReplicaSet } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { hurried } from '../fixed-catalog-shop.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

/** Errors that only a router passes on. A server's failpoint refuses them, because they need more than a code. */
const OF_ROUTERS = [150, 249, 343, 13_388];
/** A server of 6.0 or newer reports this code for a write that its cache has no room for. */
const TEMPORARILY_UNAVAILABLE = 365;
const COMMANDS = { source: ['find', 'getMore', 'aggregate'], destination: ['insert', 'update', 'delete'] };

// id: policy-transient-retried
test('an error that the policy calls transient costs a retry on either side, and nothing else', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(100));
  await using running = RunningMigration.start(pair, { clock: hurried });
  await running.untilReady();
  const transient = FAILURES.filter(({ kind, code }) => kind === 'transient' && !OF_ROUTERS.includes(code));
  assert.ok(transient.length > 30);
  for (const { code, name } of transient) {
    for (const side of ['source', 'destination'] as const) {
      const data = { failCommands: COMMANDS[side], errorCode: code, appName: `linkspan-${side}` };
      await pair[side].failCommand({ mode: { times: 2 }, data });
    }
    const { applied } = running.progress.changes;
    await items.updateMany({ n: { $lt: 5 } }, { $set: { code } });
    await items.insertOne({ code });
    await running.until(`changes after ${code} ${name}`, ({ changes }) => changes.applied >= applied + 6);
  }
  for (const side of ['source', 'destination'] as const) await pair[side].clearFailPoints();

  // Everything that a client has open is taken away at once.
  const { applied } = running.progress.changes;
  for (const { client } of [pair.source, pair.destination]) await client.db('admin').command({ killAllSessions: [] });
  await items.updateMany({}, { $set: { sessions: 'killed' } });
  await running.until('changes after the sessions were killed', ({ changes }) => changes.applied >= applied + 100);
  await running.commit();
  await expectIdentical(pair);
});

test('a destination whose cache is full for a moment costs a retry, for a record of the migration and for a batch', async () => {
  for (const [failCommands, namespace] of [
    [['update'], 'linkspan_internal.migrations'],
    [['insert'], 'shop.items'],
  ] as const) {
    await using pair = await startPair();
    await pair.source.client.db('shop').collection('items').insertMany(numbered(100));
    const data = { failCommands, namespace, errorCode: TEMPORARILY_UNAVAILABLE };
    await pair.destination.failCommand({ mode: { times: 1 }, data });
    await syncOnce(pair);
    await expectIdentical(pair);
  }
});

test('no rule knows an error without a cause, or one with a code that servers got later', () => {
  const isOfNobody = (code: number, codeName?: string) =>
    isUnknown(new MongoServerError({ message: 'failed', code, ...(codeName && { codeName }) }));
  for (const known of FAILURES) assert.equal(isOfNobody(known.code, known.name), false, known.name);
  assert.equal(isOfNobody(1, 'InternalError'), true);
  assert.equal(isOfNobody(13, 'Unauthorized'), false);
  assert.equal(isOfNobody(11_000, 'DuplicateKey'), false);
  assert.equal(isOfNobody(463, 'SomethingNew'), true);
  assert.equal(isOfNobody(51_091, 'Location51091'), false);
  assert.equal(isOfNobody(51_091), false);
});

test('a command that a router gave up because chunks moved is sent again', () => {
  for (const code of OF_ROUTERS) assert.equal(classify(new MongoServerError({ message: 'stale', code })), 'transient');
});

test('a command that waits for a connection to a member that is renamed is sent again', async () => {
  await using set = await startReplicaSet();
  await using client = new MongoClient(set.uri, { maxPoolSize: 1, heartbeatFrequencyMS: 500, appName: 'one' });
  const items = client.db('shop').collection('items');
  await items.findOne();
  const data = { failCommands: ['find'], appName: 'one', blockConnection: true, blockTimeMS: 300_000 };
  await set.failCommand({ mode: 'alwaysOn', data });
  const ask = () => items.findOne().catch((error: unknown) => error);
  void ask(); // Has the only connection.
  const waiting = ask();
  const { config } = await set.client.db('admin').command({ replSetGetConfig: 1 });
  config.version += 1;
  config.members[0].host = `localhost:${set.members[0]?.port}`;
  await set.client.db('admin').command({ replSetReconfig: config });
  const error = await waiting;
  assert.ok(error instanceof Error && error.name === 'MongoPoolClosedError', `${error}`);
  assert.equal(classify(error), 'transient');
});
