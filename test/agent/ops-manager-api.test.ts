import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentStore } from '../../src/agent/agent-store.ts';
import type { AgentConfiguration } from '../../src/agent/configuration.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import { MigrationHost, openOpsManagerApi } from '../../src/agent/index.ts';
import { deleteLinks, linkedAgentsOf } from '../../src/control/index.ts';
import { DigestClient } from '../../src/digest/index.ts';
import { type Logger, onFailpoint, silentLogger, systemClock } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { readLog } from './read-log.ts';

const ORG_ID = 'ab'.repeat(12);
const KEY = { publicKey: 'owner', privateKey: 'a-private-key-of-the-test' };
const LINKED_WITHIN_MS = 30_000;

/** Starts an unlinked agent that serves Ops Manager's calls, and a client for them. */
async function startHost(plane: ControlPlane, token?: string, logger: Logger = silentLogger) {
  const settings = { listen: '127.0.0.1:0', orgId: ORG_ID, ...KEY };
  const configuration: AgentConfiguration = {
    host: 'mover',
    dataDir: plane.agentDirectory,
    plainHttp: 'loopback',
    projects: [],
    opsManagerApi: settings,
  };
  const host = new MigrationHost({ configuration, logger, clock: systemClock, linked: () => undefined });
  const api = await openOpsManagerApi(settings, host, silentLogger, systemClock);
  const stop = new AbortController();
  const running = host.run(token, stop.signal);
  const call = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object,
    [publicKey, privateKey]: readonly [string, string] = [KEY.publicKey, KEY.privateKey],
  ) => {
    const client = new DigestClient(api.url, publicKey, privateKey);
    const answer = await client.fetch(`/api/public/v1.0/orgs/${path}`, {
      method,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, ...(text === '' ? {} : JSON.parse(text)) };
  };
  return {
    host,
    call,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await api[Symbol.asyncDispose]();
    },
  };
}

test("Ops Manager's calls link, show and unlink a source", async () => {
  await using plane = await startControlPlane();
  await using agent = await startHost(plane);
  const link = `${ORG_ID}/liveExport/migrationLink`;
  assert.equal((await agent.call('GET', `${link}/status`)).status, 'NOT_SYNCED');
  assert.equal((await agent.call('DELETE', link)).error, 404);
  // Only the owner can assign the host name to another key, here with a token for that host.
  const [linkToken, other] = [await plane.newToken(), await plane.newToken([], 'mover')];
  for (const _again of [1, 2]) assert.equal((await agent.call('POST', link, { linkToken })).status, 'SYNCED');
  assert.deepEqual(await agent.call('GET', `${link}/status?envelope=true`), {
    status: 200,
    content: { status: 'SYNCED' },
  });
  const taken = await agent.call('POST', link, { linkToken: other });
  assert.deepEqual([taken.error, taken.errorCode], [409, 'MIGRATION_LINK_EXISTS']);
  assert.equal((await agent.call('DELETE', link)).status, 204);
  assert.equal((await agent.call('GET', `${link}/status`)).status, 'NOT_SYNCED');
  // After the control plane has ended the link, the agent waits for a new one.
  assert.equal((await agent.call('POST', link, { linkToken: other })).status, 'SYNCED');
  await deleteLinks(plane.control, plane.actor, plane.orgId);
  await eventually(() => agent.host.current === undefined, { what: 'the end of the link' });
  assert.equal((await agent.call('POST', link, { linkToken: await plane.newToken() })).status, 'SYNCED');
});

test('an unlinked agent stays unlinked after a restart with the used token in its environment', async () => {
  await using plane = await startControlPlane();
  const link = `${ORG_ID}/liveExport/migrationLink`;
  const token = await plane.newToken();
  {
    await using agent = await startHost(plane, token);
    await eventually(() => agent.host.current, { what: 'the link' });
    assert.equal((await agent.call('DELETE', link)).status, 204);
  }
  await using agent = await startHost(plane, token);
  assert.equal((await agent.call('GET', `${link}/status`)).status, 'NOT_SYNCED');
  assert.equal((await agent.call('POST', link, { linkToken: await plane.newToken([], 'mover') })).status, 'SYNCED');
});

test("only the key's owner gets answers, only about this organization, and errors have the API's form", async () => {
  await using plane = await startControlPlane();
  await using agent = await startHost(plane);
  const link = `${ORG_ID}/liveExport/migrationLink`;
  const linkToken = await plane.newToken();
  assert.equal((await agent.call('POST', link, { linkToken }, ['owner', 'wrong-key-of-somebody'])).error, 401);
  assert.equal((await agent.call('POST', link, { linkToken }, ['other', 'wrong-key-of-somebody'])).error, 401);
  const wrong: [string, object, string][] = [
    [`${'0'.repeat(24)}/liveExport/migrationLink`, { linkToken }, 'ORG_NOT_FOUND'],
    [link, {}, 'MISSING_ATTRIBUTE'],
    [link, { linkToken: 'mlt_x' }, 'LINK_TOKEN_MALFORMED'],
    [link, { linkToken: await plane.newToken(['192.0.2.1']) }, 'AGENT_ADDRESS_REFUSED'],
  ];
  for (const [path, body, code] of wrong) assert.equal((await agent.call('POST', path, body)).errorCode, code);
  assert.equal((await linkedAgentsOf(plane.control.store, plane.orgId)).length, 0);
});

test('guesses of the key are limited, and its owner is answered meanwhile', async () => {
  await using plane = await startControlPlane();
  await using agent = await startHost(plane);
  const status = `${ORG_ID}/liveExport/migrationLink/status`;
  assert.equal((await agent.call('GET', status)).status, 'NOT_SYNCED');
  const codes = new Set<number>();
  for (let guess = 0; guess < 70; guess += 1) {
    const { error } = await agent.call('GET', status, undefined, ['owner', `wrong-key-number-${guess}`]);
    codes.add(error);
  }
  assert.deepEqual([...codes], [401, 429]);
  assert.equal((await agent.call('GET', status)).status, 'NOT_SYNCED');
});

test('the control plane is notified of an unlinking, so that any token can link the host again', async () => {
  await using plane = await startControlPlane();
  await using agent = await startHost(plane);
  const link = `${ORG_ID}/liveExport/migrationLink`;
  for (const _again of [1, 2]) {
    assert.equal((await agent.call('POST', link, { linkToken: await plane.newToken() })).status, 'SYNCED');
    assert.equal((await agent.call('DELETE', link)).status, 204);
    assert.deepEqual(await plane.control.store.find('links', { orgId: plane.orgId, ended: null }), []);
  }
  assert.deepEqual(readdirSync(plane.agentDirectory), [], 'the key of the link is forgotten, too');
});

test('after a restart the agent notifies the control plane of an unlinking that it could not report before', async () => {
  await using plane = await startControlPlane();
  const link = `${ORG_ID}/liveExport/migrationLink`;
  const isTold = async () =>
    (await plane.control.store.find('links', { orgId: plane.orgId, ended: null })).length === 0;
  {
    await using agent = await startHost(plane, await plane.newToken());
    await eventually(() => agent.host.current, { what: 'the link' });
    await plane.goDown();
    assert.equal((await agent.call('DELETE', link)).status, 204);
    const { mode } = statSync(join(plane.agentDirectory, 'ended-link.json'));
    assert.equal(mode & 0o077, 0);
  }
  await plane.comeBack();
  assert.equal(await isTold(), false);
  await using agent = await startHost(plane);
  await eventually(isTold, { what: 'the end of the link' });
  await eventually(() => !existsSync(join(plane.agentDirectory, 'ended-link.json')), {
    what: 'the key to be forgotten',
  });
  assert.equal((await agent.call('GET', `${link}/status`)).status, 'NOT_SYNCED');
});

/** Makes the control plane refuse requests until it is disposed. */
type Refusal = (plane: ControlPlane) => Promise<AsyncDisposable>;

const commitFails =
  (error: Error): Refusal =>
  async () => {
    const failing = onFailpoint('store.commit', () => {
      throw error;
    });
    return { [Symbol.asyncDispose]: async () => failing[Symbol.dispose]() };
  };

const addressIsNotListed: Refusal = async ({ control, orgId }) => {
  const [link] = await control.store.find('links', { orgId, ended: null });
  assert.ok(link);
  const list = (accessListIps: string[]) =>
    control.store.write((transaction) => transaction.update('links', { ...link, accessListIps }));
  await list(['192.0.2.1']);
  return { [Symbol.asyncDispose]: () => list([]) };
};

for (const [code, refuse] of [
  ['STORAGE_FULL', commitFails(Object.assign(new Error('database or disk is full'), { errcode: 13 }))],
  ['UNEXPECTED_ERROR', commitFails(new Error('a fault of the server'))],
  ['AGENT_ADDRESS_REFUSED', addressIsNotListed],
] as const) {
  test(`an unlinking that the control plane refuses with ${code} is reported again until the link has ended`, async () => {
    await using plane = await startControlPlane();
    const { logger, logged } = readLog();
    await using agent = await startHost(plane, await plane.newToken(), logger);
    await eventually(() => agent.host.current, { what: 'the link' });
    let unlinking: Promise<{ status: number }>;
    {
      await using _refusal = await refuse(plane);
      unlinking = agent.call('DELETE', `${ORG_ID}/liveExport/migrationLink`);
      await logged(`"code":"${code}"`);
    }
    assert.equal((await unlinking).status, 204);
    const isTold = async () =>
      (await plane.control.store.find('links', { orgId: plane.orgId, ended: null })).length === 0;
    await eventually(isTold, { what: 'the end of the link' });
  });
}

test('an agent that waits for approval ends its link when it is unlinked, so that no owner can approve it later', async () => {
  await using plane = await startControlPlane();
  using folder = temporaryFolder('linked-agent');
  const linked = { dataDir: folder.path, host: 'mover', token: await plane.newToken(), clock: systemClock };
  const { link } = await establishLink(linked, new AbortController().signal);
  await using agent = await startHost(plane, await plane.newToken());
  await eventually(() => agent.host.current, { what: 'the link that waits' });
  const openLinks = async () =>
    (await plane.control.store.find('links', { orgId: plane.orgId, ended: null })).map(({ id }) => id);
  assert.equal((await openLinks()).length, 2);
  assert.equal((await agent.call('DELETE', `${ORG_ID}/liveExport/migrationLink`)).status, 204);
  const onlyOther = async () => (await openLinks()).join() === link.linkId;
  await eventually(onlyOther, { what: 'the end of the link that waited' });
});

test('a host that is linked while it is being unlinked keeps the new link', async () => {
  await using plane = await startControlPlane();
  await using agent = await startHost(plane, await plane.newToken());
  const earlier = await eventually(() => agent.host.current, { what: 'the link' });
  const token = await plane.newToken();
  const unlinking = agent.host.unlink();
  const linking = agent.host.link(token, LINKED_WITHIN_MS);
  assert.equal(await unlinking, true);
  await linking;
  const { current } = agent.host;
  assert.notEqual(current?.linkId, earlier.linkId);
  assert.equal(new AgentStore(plane.agentDirectory).link()?.linkId, current?.linkId, 'the next start has the new link');
  const open = await plane.control.store.find('links', { orgId: plane.orgId, ended: null });
  assert.deepEqual(
    open.map(({ id, approved }) => [id, approved]),
    [[current?.linkId, true]],
    'the earlier link ended before the new one began',
  );
  await eventually(() => agent.host.isSynced, { what: 'the first report of the new link' });
});

test('of two tokens that are posted at the same time, one links the host, and the other is refused', async () => {
  await using plane = await startControlPlane();
  await using agent = await startHost(plane);
  const path = `${ORG_ID}/liveExport/migrationLink`;
  const tokens = [await plane.newToken(), await plane.newToken()];
  const answers = await Promise.all(tokens.map((linkToken) => agent.call('POST', path, { linkToken })));
  assert.deepEqual(answers.map(({ status, errorCode }) => errorCode ?? status).sort(), [
    'MIGRATION_LINK_EXISTS',
    'SYNCED',
  ]);
});
