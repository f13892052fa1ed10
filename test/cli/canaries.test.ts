import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type RedeemResponse, wantedState } from '../../src/link/index.ts';
import { cliBody, progress } from '../atlas-api/migration-world.ts';
import { SessionClient } from '../atlas-api/session-client.ts';
import { AgentClient, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { requestAccessToken } from '../support/access-token.ts';
import { AtlasClient } from '../support/atlas-client.ts';
import { eventually } from '../support/eventually.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { mismatch, verified } from './progress/snapshots.ts';

const ORG_ID = 'ab'.repeat(12);
const PUBLIC = 'ownerkey';
const PRIVATE = 'canary-private-key-of-the-first-start';
const CLIENT = `mdb_sa_id_${'0a'.repeat(12)}`;
const CLIENT_SECRET = 'canary_client_secret_of_the_first_start_00';

// id: no-secret-in-logs
test('no secret is in any log or file, whether requests succeed or fail', async () => {
  using folder = temporaryFolder('canaries');
  await using destination = await startReplicaSet({ auth: true });
  await destination.createUser('mover', 'destination-canary', ['userAdmin']);
  const data = join(folder.path, 'data');
  const env = {
    LINKSPAN_LOG_LEVEL: 'trace',
    LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: PUBLIC,
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY: PRIVATE,
    LINKSPAN_BOOTSTRAP_CLIENT_ID: CLIENT,
    LINKSPAN_BOOTSTRAP_CLIENT_SECRET: CLIENT_SECRET,
  };
  const secrets = new Set([PRIVATE, CLIENT_SECRET, 'source-canary', 'destination-canary', 'canary-in-a-wrong-body']);
  const answers: string[] = [];
  await using server = runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', data], { env });
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  const client = new AtlasClient(url, PUBLIC, PRIVATE);
  const browser = new SessionClient(url);
  assert.equal((await browser.signIn([PUBLIC, PRIVATE])).status, 200);
  assert.equal((await browser.send('GET', '/api/atlas/v2/groups')).status, 200);
  secrets.add(browser.cookie.split('=')[1] ?? '');
  const make = async (path: string, body: object) => (await client.send('POST', path, body)).body;
  const refuse = (path: string, body: object) =>
    assert.rejects(client.send('POST', path, body), (error: Error) => answers.push(error.message) > 0);
  /** Secrets that the API shows once. */
  const shown = (value: unknown) => {
    assert.ok(typeof value === 'string' && value.length > 20, String(value));
    secrets.add(value);
    return value;
  };

  const org = `/orgs/${ORG_ID}`;
  shown((await make(`${org}/apiKeys`, { desc: 'd', roles: ['ORG_MEMBER'] })).privateKey);
  const second = await make('/orgs', { name: 's', apiKey: { desc: 'd', roles: ['ORG_OWNER'] } });
  shown((second.apiKey as Record<string, unknown>).privateKey);
  const account = { name: 'n', description: '', roles: ['ORG_OWNER'], secretExpiresAfterHours: 8 };
  const created = await make(`${org}/serviceAccounts`, account);
  const secret = shown((created.secrets as { secret: string }[])[0]?.secret);
  for (const credentials of [`${created.clientId}:${secret}`, `${CLIENT}:${CLIENT_SECRET}`, `${CLIENT}:${PRIVATE}`]) {
    const token = (await (await requestAccessToken(url, credentials)).json()) as Record<string, unknown>;
    if (token.access_token) shown(token.access_token);
  }

  const groupId = String((await make('/groups', { name: 'p', orgId: ORG_ID })).id);
  const cluster = {
    name: 'C1',
    connectionStrings: { standard: destination.uriFor('mover', 'destination-canary') },
  };
  await make(`/groups/${groupId}/clusters`, cluster);
  await refuse(`/groups/${groupId}/clusters`, cluster);
  const token = shown((await make(`${org}/liveMigrations/linkTokens`, {})).linkToken);
  const agent = new AgentClient(url);
  agent.agentId = ((await agent.redeem(token)).json as unknown as RedeemResponse).agentId;
  await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }] });
  const migrations = `/groups/${groupId}/liveMigrations`;
  await make(`${migrations}/validate`, cliBody(groupId));
  const id = String((await make(migrations, cliBody(groupId)))._id);
  // Passwords of the users that the server created for the validation and the migration.
  const orders = await eventually(
    async () => {
      const wanted = wantedState.parse((await agent.poll(null)).json);
      const all = [...wanted.validations, ...wanted.migrations];
      return all.length === 2 ? all : undefined;
    },
    { what: 'the order for the agent' },
  );
  for (const { assignment } of orders) shown(new URL(assignment.destination.uri).password);
  await refuse(migrations, cliBody(groupId));
  await refuse(migrations, { ...cliBody(groupId), password: 'canary-in-a-wrong-body' });
  await refuse(migrations, { source: { password: ['canary-in-a-wrong-body'] } });
  const connectionStrings = { standard: 'mongodb://u:canary-in-a-wrong-body@' };
  await refuse(`/groups/${groupId}/clusters`, { name: 'C2', connectionStrings });
  await assert.rejects(new AtlasClient(url, PUBLIC, 'canary-in-a-wrong-body').send('GET', '/orgs'));
  const running = JSON.stringify(readAll(data));
  const verification = verified({
    mismatches: { found: 3, open: 1, latest: [mismatch] },
    catalogDifferences: ['names.a: b'],
  });
  const oplog = { windowSeconds: 7_200, leftSeconds: 3_601, headroomPercent: 50 };
  const shards = [
    { shard: 'rs-west', whyUnknown: null, oplog, rates: null, pingMs: 3 },
    { shard: 'rs-east', whyUnknown: 'host-2 does not answer', oplog: null, rates: null, pingMs: null },
  ];
  await agent.report({ migrations: [{ id, progress: progress(id, { state: 'FAILED', verification, shards }) }] });
  for (const path of [`${migrations}/${id}`, `/groups/${groupId}/clusters`, `${org}/apiKeys`, `${org}/events`]) {
    answers.push(JSON.stringify((await client.send('GET', path)).body));
  }
  const bundle = join(folder.path, 'bundle.json');
  await using bundling = runLinkspan(['support-bundle', '--data-dir', data, '--file', bundle]);
  assert.equal((await bundling.exit).code, 0, bundling.stderr);
  const bundled = readFileSync(bundle, 'utf8');
  assert.match(bundled, new RegExp(`"id": "${id}"[^}]*"status": "FAILED"`));
  const counts = [
    '"phase": "FOLLOWING"',
    '"documentsRechecked": 130',
    '"found": 3',
    '"open": 1',
    '"leftSeconds": 3601',
  ];
  for (const count of counts) assert.ok(bundled.includes(count), bundled);
  assert.deepEqual(JSON.parse(bundled).organizations[0].migrations[0].progress.shards, [
    { isKnown: true, oplog, rates: null, pingMs: 3 },
    { isKnown: false, oplog: null, rates: null, pingMs: null },
  ]);
  for (const name of [
    'host-1',
    'host-2',
    'rs-west',
    'rs-east',
    '"shop"',
    '"C1"',
    'mover',
    mismatch.namespace,
    'names.a',
  ]) {
    assert.ok(!bundled.includes(name), name);
  }
  server.kill('SIGTERM');
  assert.equal((await server.exit).code, 0);

  const places = {
    answers: answers.join('\n'),
    stdout: server.stdout,
    stderr: server.stderr,
    running,
    bundled,
    ...readAll(data),
  };
  for (const [place, text] of Object.entries(places)) {
    for (const canary of secrets) {
      // Only the first part of a link-token and the server's address are public.
      const hidden = canary.startsWith('mlt_') ? (canary.split('_')[2] ?? '') : canary;
      for (const form of [hidden, Buffer.from(hidden).toString('base64').slice(0, -4)]) {
        assert.ok(!text.includes(form), `${place} has ${canary}`);
      }
    }
  }
});

/** Reads the bytes of every file in the directory except the master key. */
function readAll(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name !== 'master.key');
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'latin1')]));
}
