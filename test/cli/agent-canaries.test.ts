import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AtlasClient } from '../support/atlas-client.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { type RunOptions, runLinkspan, untilStopped } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

checkForLeaks({ sockets: false });

const PROJECT = '0123456789abcdef01234567';
const PUBLIC = 'ownerkey';
const PRIVATE = 'a-private-key-of-the-test';
const CANARIES = {
  ofConfiguration: 'canary-of-the-configuration',
  ofOrder: 'canary-of-the-order',
  ofDestination: 'canary-of-the-destination',
  wrong: 'canary-that-is-a-wrong-password',
};

test('no secret of an agent is in its logs, folder, crash report, child processes or support bundle', async () => {
  using folder = temporaryFolder('agent-canaries');
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.createUser('mover', CANARIES.ofConfiguration, ['root']);
  await pair.source.createUser('reader', CANARIES.ofOrder, ['root']);
  await pair.destination.createUser('mover', CANARIES.ofDestination, ['root']);
  await pair.source.client.db('shop').collection<{ _id: number }>('orders').insertOne({ _id: 1 });
  const data = join(folder.path, 'data');
  const logging = { LINKSPAN_LOG_LEVEL: 'trace' };
  const bootstrap = {
    LINKSPAN_BOOTSTRAP_ORG_ID: 'ab'.repeat(12),
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: PUBLIC,
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY: PRIVATE,
  };
  const env = { ...logging, ...bootstrap };
  await using server = runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', data], { env });
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  const client = new AtlasClient(url, PUBLIC, PRIVATE);
  const send = async (method: 'GET' | 'POST' | 'PUT', path: string, body?: object) =>
    (await client.send(method, path, body)).body;
  const org = `/orgs/${bootstrap.LINKSPAN_BOOTSTRAP_ORG_ID}`;
  const { id: groupId } = await send('POST', '/groups', { name: 'p', orgId: bootstrap.LINKSPAN_BOOTSTRAP_ORG_ID });
  const standard = pair.destination.uriFor('mover', CANARIES.ofDestination);
  await send('POST', `/groups/${groupId}/clusters`, { name: 'C', connectionStrings: { standard } });
  const token = String((await send('POST', `${org}/liveMigrations/linkTokens`, {})).linkToken);

  const state = join(folder.path, 'state');
  const reports = join(folder.path, 'reports');
  mkdirSync(reports);
  writeFileSync(join(folder.path, 'uri'), pair.source.uriFor('mover', CANARIES.ofConfiguration));
  const deployments = [{ name: 'source', uri: `\${file:${join(folder.path, 'uri')}}` }];
  const projects = [{ id: PROJECT, name: 'shop', deployments }];
  const configuration = { host: 'host-1', dataDir: state, allowedDestinations: ['127.0.0.0/8'], projects };
  const config = join(folder.path, 'agent.yaml');
  writeFileSync(config, JSON.stringify(configuration), { mode: 0o600 }); // JSON is YAML.
  const runAgent = (options: RunOptions = {}) => runLinkspan(['agent', '--config', config], options);

  const reporting = `--report-on-signal --report-signal=SIGUSR2 --report-directory=${reports}`;
  await using agent = runAgent({
    env: { ...logging, LINKSPAN_LINK_TOKEN: token, NODE_OPTIONS: reporting },
    hook: 'engine.cutover.source-blocked=stop',
  });
  const migrations = `/groups/${groupId}/liveMigrations`;
  const orderWith = (password: string) => ({
    source: {
      clusterName: 'source',
      groupId: PROJECT,
      managedAuthentication: false,
      ssl: false,
      username: 'reader',
      password,
    },
    destination: { clusterName: 'C', groupId, hostnameSchemaType: 'PUBLIC' },
    migrationHosts: ['host-1'],
  });
  const asked = { what: 'the validation to be taken' };
  const validation = await eventually(
    () => send('POST', `${migrations}/validate`, orderWith(CANARIES.wrong)).catch(() => undefined),
    asked,
  );
  const answers: unknown[] = [];
  const until = (path: string, what: string, condition: (body: Record<string, unknown>) => boolean) =>
    eventually(
      async () => {
        const body = await send('GET', path);
        answers.push(body);
        return condition(body);
      },
      { what },
    );
  await until(`${migrations}/validate/${validation._id}`, 'a refusal', ({ status }) => status === 'FAILED');
  const { _id: id } = await send('POST', migrations, orderWith(CANARIES.ofOrder));
  await until(`${migrations}/${id}`, 'the migration to be ready', ({ readyForCutover }) => readyForCutover === true);
  process.kill(agent.pid, 'SIGUSR2');
  await eventually(() => readdirSync(reports).length > 0, { what: 'a crash report' });
  await send('PUT', `${migrations}/${id}/cutover`);
  await untilStopped(agent);
  const children = readFileSync(`/proc/${agent.pid}/task/${agent.pid}/children`, 'utf8').trim().split(' ');
  const child = (file: string) => readFileSync(`/proc/${children[0]}/${file}`, 'latin1');
  const places: Record<string, string> = {
    'arguments of a child': child('cmdline'),
    'environment of a child': child('environ'),
  };
  assert.match(places['arguments of a child'] ?? '', /watchdog-process/);
  // During a cutover the folder has these secrets, because unblocking the source after a kill needs them.
  const notes = join(state, 'cutovers.json');
  assert.ok(readFileSync(notes, 'utf8').includes(CANARIES.ofOrder));
  assert.ok(!readFileSync(notes, 'utf8').includes(CANARIES.ofDestination));
  const ofMigration = new URL(JSON.parse(readFileSync(notes, 'utf8')).migrations[0].assignment.destination.uri);
  assert.equal(ofMigration.username, `linkspan-${id}`);
  assert.equal(statSync(notes).mode & 0o077, 0);
  agent.kill('SIGKILL');
  await agent.exit;
  await using second = runAgent({ env: logging });
  await until(`${migrations}/${id}`, 'the end', ({ status }) => status === 'COMPLETE');
  await eventually(() => !existsSync(notes), { what: 'the notes to be gone' });
  second.kill('SIGTERM');
  assert.equal((await second.exit).code, 0);

  const bundle = join(folder.path, 'bundle.json');
  await using bundling = runLinkspan(['support-bundle', '--data-dir', data, '--file', bundle]);
  assert.equal((await bundling.exit).code, 0, bundling.stderr);
  const key = readFileSync(join(state, 'agent.key'), 'utf8').split('\n')[1] ?? '';
  const secrets = [...Object.values(CANARIES), ofMigration.password, PRIVATE, token.split('_')[2] ?? '', key];
  for (const [name, { stdout, stderr }] of Object.entries({ agent, second, server, bundling })) {
    places[`output of ${name}`] = stdout + stderr;
  }
  places.bundle = readFileSync(bundle, 'utf8');
  places.answers = JSON.stringify(answers);
  for (const directory of [state, reports]) {
    const names = readdirSync(directory).filter((name) => name !== 'agent.key' && name !== 'lock.db');
    for (const name of names) places[name] = readFileSync(join(directory, name), 'latin1');
  }
  for (const [place, text] of Object.entries(places)) {
    assert.ok(text.length > 0 || /bundling|second|child/.test(place), `${place} is empty`);
    for (const secret of secrets) {
      assert.ok(secret.length > 15);
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').slice(0, -4)]) {
        assert.ok(!text.includes(form), `${place} has ${secret}`);
      }
    }
  }
});
