import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAuthority, withoutOpenssl } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { freePort } from '../support/mongod-process.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readCompose, serviceOf } from './compose-file.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));
const TOKEN = 'a-token-of-the-test-for-metrics';

test('serve and agent of compose.production.yaml run with TLS and secrets, without Compose, and SIGTERM ends them', {
  skip: withoutOpenssl,
}, async () => {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(temporaryFolder('compose-production'));
  const source = resources.use(await startReplicaSet({ auth: true }));
  await source.createUser('linkspan', 'migrations-only', ['backup', 'readAnyDatabase', 'clusterMonitor']);
  const secret = (name: string, content: string) =>
    writeFileSync(join(folder.path, 'secrets', name), content, { mode: 0o600 });
  mkdirSync(join(folder.path, 'secrets'));
  const authority = createAuthority();
  const { cert, key } = authority.issue();
  for (const [name, content] of Object.entries({ 'tls-cert': cert, 'tls-key': key, 'metrics-token': TOKEN }))
    secret(name, content);
  secret('source', source.uriFor('linkspan', 'migrations-only'));

  const address = `127.0.0.1:${await freePort()}`;
  const compose = readCompose('compose.production.yaml', { LINKSPAN_PUBLIC_URL: `https://${address}` });
  const trusted = { NODE_EXTRA_CA_CERTS: join(folder.path, 'authority.pem') };
  writeFileSync(trusted.NODE_EXTRA_CA_CERTS, authority.cert);
  /** Starts a service as Compose does, but for its addresses and folders. */
  const start = async (name: string) => {
    const metrics = `127.0.0.1:${await freePort()}`;
    const data = join(folder.path, name);
    mkdirSync(data);
    const here = (text: string) =>
      text
        .replace('/run/secrets', join(folder.path, 'secrets'))
        .replace('/var/lib/linkspan', data)
        .replace('/etc/linkspan', folder.path)
        .replace('0.0.0.0:8443', address)
        .replace('0.0.0.0:9216', metrics);
    if (name === 'agent') {
      const file = here(readFileSync(join(DEPLOY, 'compose.agent.production.yaml'), 'utf8'));
      writeFileSync(join(folder.path, 'agent.yaml'), file);
    }
    const { command, environment = {} } = serviceOf(compose, name);
    const variables = Object.entries(environment).map(([variable, value]) => [variable, here(value)]);
    const env = { ...trusted, LINKSPAN_DATA_DIR: join(data, 'data'), ...Object.fromEntries(variables) };
    return { linkspan: resources.use(runLinkspan(command.map(here), { env, cwd: folder.path })), metrics };
  };

  const serve = await start('serve');
  await serve.linkspan.waitForLine(/ready at https:/);
  const printed = (what: string) => new RegExp(`${what}: +(\\S+)`).exec(serve.linkspan.stdout)?.[1] ?? '';
  const administrator = {
    ...trusted,
    LINKSPAN_URL: `https://${address}`,
    LINKSPAN_ORG_ID: printed('Organization ID'),
    LINKSPAN_PUBLIC_KEY: printed('Public key'),
    LINKSPAN_PRIVATE_KEY: printed('Private key'),
  };
  const ask = async (...words: string[]) => {
    await using command = runLinkspan([...words, '--output', 'json'], { env: administrator });
    const { code } = await command.exit;
    assert.equal(code, 0, command.stderr);
    return JSON.parse(command.stdout);
  };
  secret('link-token', (await ask('link-token', 'create')).linkToken);
  const agent = await start('agent');
  await agent.linkspan.waitForLine(/linked to organization/);
  const offered = async () => JSON.stringify(await ask('available-project', 'list')).includes('"orders"');
  await eventually(offered, { what: 'the agent to offer its deployment' });

  for (const { metrics } of [serve, agent]) {
    const read = (headers: Record<string, string>) => fetch(`http://${metrics}/metrics`, { headers });
    assert.equal((await read({})).status, 401);
    assert.match(await (await read({ authorization: `Bearer ${TOKEN}` })).text(), /^linkspan_build_info/m);
  }
  for (const { linkspan } of [agent, serve]) {
    linkspan.kill('SIGTERM');
    assert.deepEqual(await linkspan.exit, { code: 0, signal: null });
  }
});
