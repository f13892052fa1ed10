import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentClient } from '../gateway/agent-client.ts';
import { requestAccessToken } from '../support/access-token.ts';
import { AtlasClient } from '../support/atlas-client.ts';
import { type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const OWNER = ['ownerkey', 'a-private-key-of-the-test'] as const;
const ORG_ID = 'ab'.repeat(12);
const ACCOUNT = `mdb_sa_id_${'c'.repeat(24)}`;
const SECRET = 'a-secret-of-the-test-with-enough-characters';
const env = {
  LINKSPAN_LOG_LEVEL: 'warn',
  LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: OWNER[0],
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: OWNER[1],
  LINKSPAN_BOOTSTRAP_CLIENT_ID: ACCOUNT,
  LINKSPAN_BOOTSTRAP_CLIENT_SECRET: SECRET,
  LINKSPAN_RATE_LIMITS: 'off',
};
const WARNING = /warning: the store was restored \(([^;]+);/;

const serve = (data: string) => runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', data], { env });

async function urlOf(server: LinkspanProcess): Promise<string> {
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  return url;
}

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  await using linkspan = runLinkspan(args);
  const { code } = await linkspan.exit;
  return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
}

async function end(server: LinkspanProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  server.kill(signal);
  await server.exit;
}

/** Starts the server once and stops it. @returns the reason why the store counts as restored; undefined if it does not */
async function reasonOfStart(data: string): Promise<string | undefined> {
  await using server = serve(data);
  await urlOf(server);
  await end(server);
  return WARNING.exec(server.stderr)?.[1];
}

const makeToken = async (client: AtlasClient, migrationHost?: string) =>
  String((await client.send('POST', `/orgs/${ORG_ID}/liveMigrations/linkTokens`, { migrationHost })).body.linkToken);

async function accessTokenOf(url: string): Promise<string> {
  const answer = await requestAccessToken(url, `${ACCOUNT}:${SECRET}`);
  return String(((await answer.json()) as Record<string, unknown>).access_token);
}

async function statusWith(url: string, token: string): Promise<number> {
  const headers = { accept: 'application/vnd.atlas.2023-01-01+json', authorization: `Bearer ${token}` };
  return (await fetch(`${url}/api/atlas/v2/orgs/${ORG_ID}`, { headers })).status;
}

async function eventsOf(client: AtlasClient, eventType: string): Promise<Record<string, unknown>[]> {
  const { body } = await client.send<{ results: { linkspan: { details: Record<string, unknown> } }[] }>(
    'GET',
    `/orgs/${ORG_ID}/events?eventType=${eventType}`,
  );
  return body.results.map(({ linkspan }) => linkspan.details);
}

/** The directory of a stopped server with one project; `older` is a copy from before the project. */
async function directoryWithOlderCopy(folder: string): Promise<{ data: string; older: string }> {
  const [data, older] = [join(folder, 'data'), join(folder, 'older')];
  assert.equal(await reasonOfStart(data), undefined);
  cpSync(data, older, { recursive: true });
  await using server = serve(data);
  const client = new AtlasClient(await urlOf(server), ...OWNER);
  await client.send('POST', '/groups', { name: 'later', orgId: ORG_ID });
  // After a kill the file with the head must also contain everything that was answered.
  await end(server, 'SIGKILL');
  return { data, older };
}

// id: restored-credentials
test('after a restore, credentials that were redeemed, revoked or refused since the backup do not work again, and those that still work are listed for a review', async () => {
  using folder = temporaryFolder('restored');
  const [data, other, file] = ['data', 'other', 'backup.db'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await using server = serve(data);
  const url = await urlOf(server);
  const client = new AtlasClient(url, ...OWNER);
  const [redeemedLater, neverRedeemed, rival] = [
    await makeToken(client),
    await makeToken(client),
    await makeToken(client),
  ];
  const linked = new AgentClient(url);
  linked.agentId = String((await linked.redeem(await makeToken(client), 'host-1')).json.agentId);
  const pending = new AgentClient(url);
  pending.agentId = String((await pending.redeem(rival, 'host-1')).json.agentId);
  const accessToken = await accessTokenOf(url);
  assert.equal(await statusWith(url, accessToken), 200);
  const made = await client.send('POST', `/orgs/${ORG_ID}/apiKeys`, { desc: 'of a thief', roles: ['ORG_OWNER'] });
  const { id: keyId, publicKey } = made.body;

  assert.equal((await run('backup', '--data-dir', data, '--file', file)).code, 0);
  assert.equal((await new AgentClient(url).redeem(redeemedLater, 'host-2')).status, 201);
  await client.send('DELETE', `/orgs/${ORG_ID}/apiKeys/${keyId}`);
  await end(server);

  assert.equal((await run('restore', '--data-dir', other, '--file', file)).code, 0);
  copyFileSync(join(data, 'master.key'), join(other, 'master.key'));
  await using restored = serve(other);
  const newUrl = await urlOf(restored);
  assert.equal(WARNING.exec(restored.stderr)?.[1], 'restored');
  for (const token of [redeemedLater, neverRedeemed]) {
    const { status, json } = await new AgentClient(newUrl).redeem(token, 'host-3');
    assert.deepEqual([status, json.errorCode], [404, 'LINK_TOKEN_UNKNOWN']);
  }
  assert.equal(await statusWith(newUrl, accessToken), 401);
  assert.equal(await statusWith(newUrl, await accessTokenOf(newUrl)), 200);
  const owner = new AtlasClient(newUrl, ...OWNER);
  const links = (await owner.send('GET', `/orgs/${ORG_ID}/liveMigrations/links`)).body.results as { status: string }[];
  assert.deepEqual(
    links.map(({ status }) => status),
    ['LINKED'],
    'the pending link has ended',
  );
  const [event] = await eventsOf(owner, 'STORE_RESTORED');
  assert.deepEqual(event?.migrationHostsToReview, ['host-1']);
  assert.deepEqual(event?.serviceAccountsToReview, [ACCOUNT]);
  assert.deepEqual([event?.apiKeysToReview].flat().sort(), [OWNER[0], publicKey].sort());
  const listed = await run('restored', '--data-dir', other);
  for (const name of [String(publicKey), ACCOUNT, 'agent host-1']) assert.ok(listed.stdout.includes(name), name);

  assert.match((await run('restored', '--acknowledge', '--data-dir', other)).stderr, /\[DATA_DIRECTORY_IN_USE\]/);
  await end(restored);
  assert.equal(await reasonOfStart(other), 'restored', 'the warning comes again until the review is on record');
  assert.match(
    (await run('restored', '--acknowledge', '--data-dir', other)).stderr,
    /the review of 1 restore is on record/,
  );
  await using again = serve(other);
  assert.equal((await eventsOf(new AtlasClient(await urlOf(again), ...OWNER), 'STORE_RESTORE_ACKNOWLEDGED')).length, 1);
  await end(again);
  assert.doesNotMatch(again.stderr, WARNING);
  assert.equal((await run('audit', 'verify', '--data-dir', other)).code, 0);
});

test('an access token of one restore does not work after a second restore of the same backup', async () => {
  using folder = temporaryFolder('restored');
  const [data, file] = [join(folder.path, 'data'), join(folder.path, 'backup.db')];
  assert.equal(await reasonOfStart(data), undefined);
  assert.equal((await run('backup', '--data-dir', data, '--file', file)).code, 0);
  let token = '';
  for (const attempt of ['first', 'second']) {
    rmSync(join(data, 'linkspan.db'));
    assert.equal((await run('restore', '--data-dir', data, '--file', file)).code, 0, attempt);
    await using server = serve(data);
    const url = await urlOf(server);
    if (token) assert.equal(await statusWith(url, token), 401);
    token = await accessTokenOf(url);
    assert.equal(await statusWith(url, token), 200);
    await end(server);
  }
});

test('a store file that was replaced by hand is detected, also after a kill, and a plain restart is no restore', async () => {
  using folder = temporaryFolder('restored');
  const { data, older } = await directoryWithOlderCopy(folder.path);
  assert.equal(await reasonOfStart(data), undefined, 'a server that was killed is no restore');
  for (const name of readdirSync(data).filter((each) => each.startsWith('linkspan.db'))) rmSync(join(data, name));
  copyFileSync(join(older, 'linkspan.db'), join(data, 'linkspan.db'));
  assert.match(String(await reasonOfStart(data)), /^older than the head/);
});

test('a restored store that was used elsewhere, one without its head and one with a damaged head are detected', async () => {
  using folder = temporaryFolder('restored');
  const { data, older } = await directoryWithOlderCopy(folder.path);
  {
    await using server = serve(older);
    const client = new AtlasClient(await urlOf(server), ...OWNER);
    for (const name of ['a', 'b', 'c']) await client.send('POST', '/groups', { name, orgId: ORG_ID });
    await end(server);
  }
  const putIn = (name: string) => {
    const directory = join(folder.path, name);
    mkdirSync(directory);
    for (const part of ['linkspan.db', 'master.key']) copyFileSync(join(older, part), join(directory, part));
    return directory;
  };
  const forked = putIn('forked');
  copyFileSync(join(data, 'store-head'), join(forked, 'store-head'));
  assert.equal(await reasonOfStart(forked), 'other than the head');
  assert.equal(await reasonOfStart(putIn('bare')), 'no head');
  const damaged = putIn('damaged');
  writeFileSync(join(damaged, 'store-head'), '');
  assert.equal(await reasonOfStart(damaged), 'unreadable head');
});

test('a rotation of the master key and an early acknowledgement do not hide a restore', async () => {
  using folder = temporaryFolder('restored');
  const { data, older } = await directoryWithOlderCopy(folder.path);
  for (const name of readdirSync(data).filter((each) => each.startsWith('linkspan.db'))) rmSync(join(data, name));
  copyFileSync(join(older, 'linkspan.db'), join(data, 'linkspan.db'));
  const other = join(folder.path, 'other');
  cpSync(data, other, { recursive: true });
  assert.equal((await run('keys', 'rotate', '--data-dir', data)).code, 0);
  assert.equal(await reasonOfStart(data), 'older than the head');
  assert.match((await run('restored', '--acknowledge', '--data-dir', other)).stderr, /detected only now/);
  assert.equal(await reasonOfStart(other), 'older than the head');
});

test('a data directory that was restored as a whole is treated as restored after an operator declares it', async () => {
  using folder = temporaryFolder('restored');
  const { older } = await directoryWithOlderCopy(folder.path);
  assert.equal(await reasonOfStart(older), undefined, 'nothing in it shows that it is older');
  assert.equal((await run('restored', '--declare', '--data-dir', older)).code, 0);
  assert.equal(await reasonOfStart(older), 'restored');
});

test('a store from just before the revocation of an access token is detected as restored, and the token stays revoked', async () => {
  using folder = temporaryFolder('restored');
  const [data, older] = [join(folder.path, 'data'), join(folder.path, 'older.db')];
  let token = '';
  {
    await using server = serve(data);
    const url = await urlOf(server);
    token = await accessTokenOf(url);
    assert.equal((await run('backup', '--data-dir', data, '--file', older)).code, 0);
    const authorization = `Basic ${Buffer.from(`${ACCOUNT}:${SECRET}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const revoked = await fetch(`${url}/api/oauth/revoke`, { method: 'POST', headers, body: `token=${token}` });
    assert.equal(revoked.status, 200);
    assert.equal(await statusWith(url, token), 401);
    await end(server);
  }
  for (const name of readdirSync(data).filter((each) => each.startsWith('linkspan.db'))) rmSync(join(data, name));
  copyFileSync(older, join(data, 'linkspan.db'));
  await using server = serve(data);
  assert.equal(await statusWith(await urlOf(server), token), 401);
  assert.match(server.stderr, WARNING);
  await end(server);
});
