import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startControlPlane } from '../../atlas-api/control-plane.ts';
import { createToken, SOURCE_PROJECT } from '../../gateway/agent-client.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { runLinkspan } from '../../support/linkspan-process.ts';
import { startPair } from '../../support/replica-set.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a fleet on real clusters is ready after one apply, and complete after the operator has cut over', async () => {
  await using plane = await startControlPlane({ rateLimits: false });
  await using pair = await startPair();
  using folder = temporaryFolder('fleet-of-clusters');
  const items = Array.from({ length: 500 }, (_, n) => ({ n }));
  await pair.source.client.db('shop').collection('items').insertMany(items);
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  const project = String(group.json.id);
  const token = await createToken(plane);
  const deployments = [{ name: 'orders', uri: pair.source.uri }];
  const configuration = {
    host: 'mover',
    dataDir: join(folder.path, 'agent'),
    allowedDestinations: ['127.0.0.0/8'],
    projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments }],
  };
  mkdirSync(configuration.dataDir);
  const [agentFile, file] = [join(folder.path, 'agent.yaml'), join(folder.path, 'fleet.yaml')];
  writeFileSync(agentFile, JSON.stringify(configuration), { mode: 0o600 });
  const entry = { name: 'orders', agent: 'mover', destination: 'orders' };
  const window = { days: ['SUN'], from: '00:00', to: '00:00', timeZone: 'UTC', loadLevel: 4 };
  const migrations = [{ ...entry, source: { project: SOURCE_PROJECT, cluster: 'orders' }, loadWindows: [window] }];
  const destinations = { orders: { connectionString: `\${DESTINATION}` } };
  writeFileSync(file, JSON.stringify({ fleet: 'real', project, destinations, migrations }));
  const env = {
    LINKSPAN_URL: plane.url,
    LINKSPAN_PROJECT_ID: project,
    LINKSPAN_PUBLIC_KEY: plane.publicKey,
    LINKSPAN_PRIVATE_KEY: plane.privateKey,
    DESTINATION: pair.destination.uri,
  };
  const run = async (...args: string[]) => {
    await using linkspan = runLinkspan(args, { env });
    const { code } = await linkspan.exit;
    return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
  };

  await using agent = runLinkspan(['agent', '--config', agentFile], { env: { LINKSPAN_LINK_TOKEN: token } });
  await agent.waitForLine(/^linkspan agent: linked to/);
  const available = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/availableProjects`;
  await eventually(async () => (await plane.api('GET', available)).text.includes('orders'), { what: 'the inventory' });
  const applied = await run('apply', '-f', file);
  assert.equal(applied.code, 0, applied.stderr);
  const [, id = ''] = /^1 +orders +(\w{24}) +WORKING +ready to cut over/m.exec(applied.stdout) ?? [];
  assert.equal((await run('migration', 'cutover', id)).code, 0);
  assert.equal((await run('migration', 'wait', id, '--until', 'complete')).code, 0);
  const again = await run('apply', '-f', file);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^fleet real: 0 to create, 0 to change, 1 unchanged, 0 unmanaged$/m);
  assert.match(again.stdout, /^1 +orders +\w{24} +COMPLETE /m);
  assert.equal((await expectIdentical(pair)).documents, 500);
});
