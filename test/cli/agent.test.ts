import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMigration, deleteLinks, getMigration, linkedAgentsOf, requestCutover } from '../../src/control/index.ts';
import { type ControlPlane, orderTo, SOURCE_PROJECT, startControlPlane } from '../agent/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached, type RunOptions, runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';

checkForLeaks({ sockets: false });

const READY = /^linkspan agent: linked to organization ([0-9a-f]{24}) at (http:\/\/127\.0\.0\.1:\d+) as host mover$/;

/** Runs `linkspan agent` with a configuration whose source is `uri`. */
function runAgent(plane: ControlPlane, uri: string, options: RunOptions = {}, more: readonly string[] = []) {
  mkdirSync(plane.agentDirectory, { recursive: true });
  const config = join(plane.agentDirectory, 'agent.yaml');
  const project = { id: SOURCE_PROJECT, name: 'shop', deployments: [{ name: 'orders', uri }] };
  // JSON is YAML.
  const allowedDestinations = ['127.0.0.0/8', '*.db.example'];
  const settings = { host: 'mover', dataDir: 'state', allowedDestinations, projects: [project] };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  return runLinkspan(['agent', '--config', config, ...more], options);
}

test('linkspan agent check prints its results, and exits with 2 if a check failed', async () => {
  await using plane = await startControlPlane();
  const uri = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200';
  const env = { LINKSPAN_LINK_TOKEN: await plane.newToken() };
  await using check = runAgent(plane, uri, { env }, ['check']);
  assert.deepEqual(await check.exit, { code: 2, signal: null }, check.stderr);
  assert.match(
    check.stdout,
    /^ok {6}configuration .*host mover\nok {6}destinations: 127\.0\.0\.0\/8, \*\.db\.example\nok {6}key and link: .*\nok {6}control plane .*\nfailed {2}source shop\/orders: .*\[SOURCE_UNREACHABLE\]\n$/,
  );
  await using mistyped = runAgent(plane, uri, {}, ['check', '--all']);
  assert.equal((await mistyped.exit).code, 2);
});

function linked(plane: ControlPlane) {
  return eventually(
    async () => {
      const [agent] = await linkedAgentsOf(plane.control.store, plane.orgId);
      return agent?.inventory[0]?.deployments[0];
    },
    { what: 'the inventory of the agent' },
  );
}

test('an agent that is killed, stopped and restarted completes its migration with identical clusters', async () => {
  await using plane = await startControlPlane();
  await using pair = await startPair();
  const documents = Array.from({ length: 2_000 }, (_, index) => ({ _id: index, text: `document ${index}` }));
  await pair.source.client.db('shop').collection<{ _id: number; text: string }>('orders').insertMany(documents);
  const env = { LINKSPAN_LINK_TOKEN: await plane.newToken() };

  await using killedEarly = runAgent(plane, pair.source.uri, { env, hook: 'agent.link-token.redeemed=kill' });
  await expectHookReached(killedEarly);
  assert.ok(!existsSync(join(plane.agentDirectory, 'state', 'link.json')));

  await using first = runAgent(plane, pair.source.uri, { env });
  const [, orgId, url] = await first.waitForLine(READY);
  assert.deepEqual([orgId, url], [plane.orgId, plane.url]);
  await linked(plane);
  const { id } = await createMigration(
    plane.control,
    plane.actor,
    plane.groupId,
    await orderTo(plane, pair.destination.uri),
  );
  const state = async () => (await getMigration(plane.control, plane.actor, plane.groupId, id)).state;
  const ready = { what: 'the migration to be ready' };
  await eventually(async () => (await state()).readyForCutover, ready);
  first.kill('SIGKILL');
  await first.exit;

  await pair.source.client.db('shop').collection<{ _id: number }>('orders').deleteOne({ _id: 5 });
  await using second = runAgent(plane, pair.source.uri);
  await second.waitForLine(/migration runs/);
  second.kill('SIGTERM');
  assert.deepEqual(await second.exit, { code: 0, signal: null }, second.stderr);

  await using third = runAgent(plane, pair.source.uri);
  await third.waitForLine(/migration runs/);
  await eventually(async () => (await state()).readyForCutover, ready);
  await requestCutover(plane.control, plane.actor, plane.groupId, id);
  await eventually(async () => (await state()).status === 'COMPLETE', { what: 'COMPLETE' });
  third.kill('SIGINT');
  assert.equal((await third.exit).code, 0);
  const compared = await expectIdentical(pair);
  assert.equal(compared.documents, 1_999);
  assert.equal(third.stdout, '');
});

test('a second agent with the same data directory is refused with 2, until the first one has ended', async () => {
  await using plane = await startControlPlane();
  const uri = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200';
  await using first = runAgent(plane, uri, { env: { LINKSPAN_LINK_TOKEN: await plane.newToken() } });
  await first.waitForLine(READY);
  await using second = runAgent(plane, uri);
  assert.deepEqual(await second.exit, { code: 2, signal: null }, second.stderr);
  assert.match(
    second.stderr,
    /data directory .*state is in use by another Linkspan process\. .*\[DATA_DIRECTORY_IN_USE\]/,
  );
  first.kill('SIGKILL');
  await first.exit;
  await using third = runAgent(plane, uri);
  await third.waitForLine(READY);
});

test('an agent that cannot be linked, or whose link is deleted, reports why and exits with 2; in Kubernetes it then stays, unready', async () => {
  await using plane = await startControlPlane();
  const uri = 'mongodb://127.0.0.1:1/?replicaSet=none';
  const refused: [Record<string, string>, RegExp][] = [
    [{}, /not linked yet.*LINKSPAN_LINK_TOKEN.*\[LINK_TOKEN_MISSING\]/],
    [{ LINKSPAN_LINK_TOKEN: 'mlt_nonsense' }, /\[LINK_TOKEN_MALFORMED\]/],
    [{ LINKSPAN_LINK_TOKEN_FILE: '/nowhere' }, /\[LINK_TOKEN_FILE_UNREADABLE\]/],
  ];
  for (const [env, message] of refused) {
    await using agent = runAgent(plane, uri, { env });
    assert.equal((await agent.exit).code, 2);
    assert.match(agent.stderr, message);
  }
  for (const inKubernetes of [false, true]) {
    const env = {
      LINKSPAN_LINK_TOKEN: await plane.newToken(),
      ...(inKubernetes && { KUBERNETES_SERVICE_HOST: '192.0.2.1' }),
    };
    await using agent = runAgent(plane, uri, { env }, ['--metrics-listen', '127.0.0.1:0']);
    const [, url = ''] = await agent.waitForLine(/metrics are served at (http:\/\/\S+)\/metrics$/);
    await agent.waitForLine(READY);
    await deleteLinks(plane.control, plane.actor, plane.orgId);
    await agent.waitForLine(/The link of this agent has been deleted\. .*\[LINK_DELETED\]/);
    if (inKubernetes) {
      const readiness = await (await fetch(`${url}/readyz`)).json();
      assert.deepEqual(readiness, { ready: false, reasons: ['the link has ended, and a new link-token is needed'] });
      agent.kill('SIGTERM');
    }
    assert.equal((await agent.exit).code, 2, agent.stderr);
  }
});
