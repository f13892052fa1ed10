import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Agent } from '../../src/agent/agent.ts';
import type { AgentConfiguration } from '../../src/agent/configuration.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import type { VerificationMode } from '../../src/contract/index.ts';
import {
  availableProjects,
  cancelMigration,
  createMigration,
  deleteLinks,
  getMigration,
  getValidation,
  linkedAgentsOf,
  type Migration,
  pauseMigration,
  requestCutover,
  resumeMigration,
  setLoadLevel,
  startValidation,
} from '../../src/control/index.ts';
import { onFailpoint, silentLogger, systemClock } from '../../src/platform/index.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { type ReplicaSet, startPair, startReplicaSet } from '../support/replica-set.ts';
import { type ControlPlane, orderTo, SOURCE_PROJECT, startControlPlane } from './control-plane.ts';

checkForLeaks({ sockets: false });

/** Slow enough to interrupt a copy half-way. */
const SLOW_BYTES_PER_SECOND = 500_000;

let source: ReplicaSet;

before(async () => {
  source = await startReplicaSet({ auth: true });
  await source.createUser('mover', 'moves', ['backup', 'readAnyDatabase', 'clusterMonitor']);
  const documents = Array.from({ length: 3_000 }, (_, index) => ({ _id: index, text: 'x'.repeat(500) }));
  await source.client.db('shop').collection<{ _id: number }>('orders').insertMany(documents);
  await source.client.db('shop').collection('orders').createIndex({ text: 1 });
});
after(() => source[Symbol.asyncDispose]());

/** An agent that runs until it is stopped or its scope ends. */
interface RunningAgent extends AsyncDisposable {
  /** Settles with `Agent.run`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

async function startAgent(
  plane: ControlPlane,
  {
    token,
    copyBytesPerSecond,
    verification,
    uri = source.uriFor('mover', 'moves'),
  }: { token?: string; copyBytesPerSecond?: number; verification?: VerificationMode; uri?: string },
): Promise<RunningAgent> {
  const configuration: AgentConfiguration = {
    host: 'mover',
    dataDir: plane.agentDirectory,
    plainHttp: 'loopback',
    allowedDestinations: ['127.0.0.0/8'],
    projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments: [{ name: 'orders', uri }] }],
    copyBytesPerSecond,
    verification,
  };
  const stop = new AbortController();
  const options = { dataDir: configuration.dataDir, host: 'mover', token, clock: systemClock };
  const { client } = await establishLink(options, stop.signal);
  const ended = new Agent({ configuration, client, logger: silentLogger }).run(stop.signal);
  const end = async () => {
    stop.abort();
    await ended.catch(() => undefined);
  };
  ended.catch(() => undefined);
  await eventually(async () => (await inventoryOf(plane))?.deployments[0], { what: 'the inventory' }).catch(
    async (error) => {
      await end();
      throw error;
    },
  );
  return {
    ended,
    stop: async () => {
      stop.abort();
      await ended;
    },
    [Symbol.asyncDispose]: end,
  };
}

async function inventoryOf(plane: ControlPlane) {
  const [agent] = await linkedAgentsOf(plane.control.store, plane.orgId);
  return agent?.inventory[0];
}

function migrationIs(
  plane: ControlPlane,
  id: string,
  what: string,
  holds: (migration: Awaited<ReturnType<typeof getMigration>>) => boolean,
) {
  return eventually(
    async () => {
      const migration = await getMigration(plane.control, plane.actor, plane.groupId, id);
      if (migration.state.status === 'FAILED' && what !== 'FAILED') return undefined;
      return holds(migration) ? migration : undefined;
    },
    { what: `the migration to be ${what}` },
  );
}

test('the agent reports the clusters of its configuration to the control plane', async () => {
  await using plane = await startControlPlane();
  await using _agent = await startAgent(plane, { token: await plane.newToken() });
  const project = await inventoryOf(plane);
  const [deployment] = project?.deployments ?? [];
  assert.deepEqual([project?.projectId, project?.name, deployment?.name], [SOURCE_PROJECT, 'shop', 'orders']);
  assert.match(deployment?.mongoDBVersion ?? '', /^\d+\.\d+\.\d+$/);
  assert.match(deployment?.featureCompatibilityVersion ?? '', /^\d+\.\d+$/);
  assert.equal(deployment?.shardsSize, 1);
  assert.deepEqual([deployment?.sharded, deployment?.tlsEnabled, deployment?.managed], [false, false, false]);
  assert.ok((deployment?.dbSizeBytes ?? 0) > 0 && (deployment?.oplogSizeMB ?? 0) > 0);
  assert.match(deployment?.clusterId ?? '', /^[0-9a-f]{24}$/);
  // A request of the API makes the agent inspect its clusters again, long before its own interval.
  const before = deployment?.dbSizeBytes ?? 0;
  const text = 'y'.repeat(100_000);
  await source.client
    .db('more')
    .collection('c')
    .insertMany(Array.from({ length: 20 }, () => ({ text })));
  const sizeShown = async () => {
    const [shown] = await availableProjects(plane.control, plane.actor, plane.orgId);
    return shown?.deployments[0]?.dbSizeBytes ?? 0;
  };
  await eventually(async () => (await sizeShown()) > before, { what: 'the new size' });
  await source.client.db('more').dropDatabase();
});

test('a validation succeeds, or reports every problem', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  await using _agent = await startAgent(plane, { token: await plane.newToken() });
  const order = await orderTo(plane, destination.uri);
  const outcome = async (request: typeof order) => {
    const { id } = await startValidation(plane.control, plane.actor, plane.groupId, request);
    return eventually(
      async () => {
        const validation = await getValidation(plane.control, plane.actor, plane.groupId, id);
        return validation.status === 'PENDING' ? undefined : validation;
      },
      { what: 'the validation' },
    );
  };
  const good = await outcome(order);
  assert.deepEqual([good.status, good.errorMessage], ['SUCCESS', null]);
  assert.deepEqual(
    good.findings.map(({ severity }) => severity).filter((severity) => severity === 'ERROR'),
    [],
  );
  assert.ok(good.findings.some(({ code }) => code === 'DESTINATION_UNPROTECTED'));

  const bad = await outcome({ ...order, source: { ...order.source, username: 'mover', password: 'wrong-secret' } });
  assert.equal(bad.status, 'FAILED');
  assert.match(bad.errorMessage ?? '', /refused the user name or password/);
  assert.doesNotMatch(bad.errorMessage ?? '', /wrong-secret/);

  await destination.client.db('here').collection('already').insertOne({});
  const full = await outcome(order);
  assert.equal(full.status, 'FAILED');
  assert.match(full.errorMessage ?? '', /not empty.*drop/);
  const [first] = full.findings;
  assert.deepEqual([first?.severity, first?.code], ['ERROR', 'DESTINATION_NOT_EMPTY'], 'errors come first');
});

test("the control plane gets the warnings of a migration's preflight", async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  await using _agent = await startAgent(plane, { token: await plane.newToken() });
  const order = await orderTo(plane, destination.uri);
  const { id } = await createMigration(plane.control, plane.actor, plane.groupId, order);
  const codesOf = ({ progress }: Migration) => progress?.findings.map(({ code }) => code) ?? [];
  const shown = await migrationIs(plane, id, 'shown with its findings', (one) => codesOf(one).length > 1);
  assert.ok(codesOf(shown).includes('USERS_BYPASS_BLOCK'), String(codesOf(shown)));
  assert.match(shown.progress?.warnings.join() ?? '', /who can bypass the write block.*admin\.root/);
});

test('a validation that was requested before or during a restart of the agent gets its result', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  await using first = await startAgent(plane, { token: await plane.newToken() });
  const order = await orderTo(plane, destination.uri);
  const { control, actor, groupId } = plane;
  const { id: under } = await startValidation(control, actor, groupId, order);
  await first.stop();
  const { id: before } = await startValidation(control, actor, groupId, order);
  await using _second = await startAgent(plane, {});
  for (const id of [under, before]) {
    const answered = async () => (await getValidation(control, actor, groupId, id)).status === 'SUCCESS';
    await eventually(answered, { what: 'the validation' });
  }
});

test('a migration survives restarts of agent and control plane, cuts over on request, and ends identical', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  const order = await orderTo(plane, destination.uri);
  let id: string;
  {
    await using agent = await startAgent(plane, {
      token: await plane.newToken(),
      copyBytesPerSecond: SLOW_BYTES_PER_SECOND,
    });
    ({ id } = await createMigration(plane.control, plane.actor, plane.groupId, order));
    await migrationIs(plane, id, 'copying', ({ progress }) => (progress?.copy.documentsCopied ?? 0) > 0);
    await agent.stop();
  }
  await using agent = await startAgent(plane, {});
  await plane.goDown();
  await source.client
    .db('shop')
    .collection<{ _id: number }>('orders')
    .updateOne({ _id: 7 }, { $set: { seen: true } });
  await plane.comeBack();
  await migrationIs(plane, id, 'ready', ({ state }) => state.readyForCutover);
  await requestCutover(plane.control, plane.actor, plane.groupId, id);
  const { progress } = await migrationIs(plane, id, 'COMPLETE', ({ state }) => state.status === 'COMPLETE');
  assert.equal(progress?.state, 'COMMITTED');
  const { phase, documentsCompared, catalogDifferences } = progress.verification;
  assert.deepEqual([phase, documentsCompared, catalogDifferences], ['FOLLOWING', 3_000, []]);
  await agent.stop();
  const { documents } = await expectIdentical({ source, destination });
  assert.equal(documents, 3_000);
});

test('a migration pauses before its first document, resumes on request, and is cancelled with all that it copied', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  const { control, actor, groupId } = plane;
  await (await startAgent(plane, { token: await plane.newToken() })).stop();
  const { id } = await createMigration(control, actor, groupId, await orderTo(plane, destination.uri));
  await pauseMigration(control, actor, groupId, id);
  await setLoadLevel(control, actor, groupId, id, 1);
  // The agent gets the wanted state that was set before it started.
  const copyBytesPerSecond = SLOW_BYTES_PER_SECOND;
  await using _agent = await startAgent(plane, { copyBytesPerSecond });
  const copied = (migration: Migration) => migration.progress?.copy.documentsCopied ?? 0;
  const paused = await migrationIs(plane, id, 'paused', ({ progress }) => progress?.state === 'PAUSED');
  assert.equal(copied(paused), 0);
  await resumeMigration(control, actor, groupId, id);
  await migrationIs(plane, id, 'copying', (migration) => copied(migration) > 0);
  await cancelMigration(control, actor, groupId, id, true);
  const { state, password } = await migrationIs(
    plane,
    id,
    'FAILED',
    (migration) => migration.state.status === 'FAILED',
  );
  const { code, message } = state.error ?? {};
  assert.deepEqual(
    [code, message],
    ['MIGRATION_CANCELLED', 'The migration was cancelled; the copied data was dropped.'],
  );
  assert.equal(password, null);
  const { databases } = await destination.client.db().admin().listDatabases();
  assert.ok(!databases.some(({ name }) => name === 'shop'));
});

test('an agent that only reports differences keeps a migration from its cutover until they are gone', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  await using agent = await startAgent(plane, { token: await plane.newToken(), verification: 'REPORT' });
  const { id } = await createMigration(
    plane.control,
    plane.actor,
    plane.groupId,
    await orderTo(plane, destination.uri),
  );
  await migrationIs(plane, id, 'ready', ({ state }) => state.readyForCutover);
  const orders = destination.client.db('shop').collection<{ _id: number }>('orders');
  const document = await orders.findOneAndDelete({ _id: 7 });
  const { state, progress } = await migrationIs(
    plane,
    id,
    'known to differ',
    (migration) => migration.progress?.verification.mismatches.open === 1,
  );
  assert.deepEqual([state.readyForCutover, progress?.verification.mode], [false, 'REPORT']);
  await orders.insertOne(document as { _id: number });
  await migrationIs(plane, id, 'ready again', (migration) => migration.state.readyForCutover);
  await agent.stop();
});

test('an agent that hung takes its migration back from the watchdog, and the migration ends', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  await using _agent = await startAgent(plane, { token: await plane.newToken() });
  const { id } = await createMigration(
    plane.control,
    plane.actor,
    plane.groupId,
    await orderTo(plane, destination.uri),
  );
  const records = destination.client.db('linkspan_internal').collection<{ _id: string; term: number }>('migrations');
  await migrationIs(plane, id, 'ready', ({ state }) => state.readyForCutover);
  const taken = await records.findOneAndUpdate({ _id: id }, { $inc: { term: 1 } }, { returnDocument: 'after' });
  const isTakenBack = async () => ((await records.findOne({ _id: id }))?.term ?? 0) > (taken?.term ?? 0);
  await eventually(isTakenBack, { what: 'the agent to take it back' });
  // Not ready while it catches up.
  const cutover = () => requestCutover(plane.control, plane.actor, plane.groupId, id).then(() => true);
  await eventually(cutover, { what: 'the cutover to be taken' });
  await migrationIs(plane, id, 'COMPLETE', ({ state }) => state.status === 'COMPLETE');
});

test('a migration fails when another one takes its destination, and names that one', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  await using _agent = await startAgent(plane, { token: await plane.newToken() });
  const { control, actor, groupId } = plane;
  const { id } = await createMigration(control, actor, groupId, await orderTo(plane, destination.uri));
  await migrationIs(plane, id, 'ready', ({ state }) => state.readyForCutover);
  await using taking = RunningMigration.start({ source, destination }, { dropDestination: true });
  const { state } = await migrationIs(plane, id, 'FAILED', (migration) => migration.state.status === 'FAILED');
  assert.match(state.error?.message ?? '', new RegExp(`${taking.progress.migrationId} has taken it`));
});

test('the control plane knows that the source is blocked, even if the host is lost at that moment', async () => {
  await using plane = await startControlPlane();
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertOne({});
  await using _agent = await startAgent(plane, { token: await plane.newToken(), uri: pair.source.uri });
  const { control, actor, groupId } = plane;
  const { id } = await createMigration(control, actor, groupId, await orderTo(plane, pair.destination.uri));
  await migrationIs(plane, id, 'ready', ({ state }) => state.readyForCutover);
  const goOn = Promise.withResolvers<void>();
  using _hook = onFailpoint('engine.cutover.source-blocked', () => goOn.promise);
  await requestCutover(control, actor, groupId, id);
  await migrationIs(plane, id, 'known to be blocked', ({ progress }) => progress?.cutover?.blocking === true);
  goOn.resolve();
  const { progress } = await migrationIs(plane, id, 'COMPLETE', ({ state }) => state.status === 'COMPLETE');
  assert.ok(progress?.cutover?.blocking, 'it stays blocked, so that there are never two writable sides');
});

test('a migration that cannot start fails with a message for its requester', async () => {
  await using plane = await startControlPlane();
  await using destination = await startReplicaSet();
  await destination.client.db('here').collection('already').insertOne({});
  await using _agent = await startAgent(plane, { token: await plane.newToken() });
  const { id } = await createMigration(
    plane.control,
    plane.actor,
    plane.groupId,
    await orderTo(plane, destination.uri),
  );
  const { state } = await migrationIs(plane, id, 'FAILED', (migration) => migration.state.status === 'FAILED');
  assert.deepEqual(state.error?.code, 'DESTINATION_NOT_EMPTY');
  assert.equal(await destination.client.db('here').collection('already').countDocuments(), 1);
});

test('an agent whose link is deleted stops and reports it', async () => {
  await using plane = await startControlPlane();
  await using agent = await startAgent(plane, { token: await plane.newToken() });
  await deleteLinks(plane.control, plane.actor, plane.orgId);
  await assert.rejects(agent.ended, { code: 'LINK_DELETED' });
});
