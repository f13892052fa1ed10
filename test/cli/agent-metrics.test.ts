import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMigration, linkedAgentsOf } from '../../src/control/index.ts';
import { orderTo, SOURCE_PROJECT, startControlPlane } from '../agent/control-plane.ts';
import { scraped } from '../metrics/scraped.ts';
import { eventually } from '../support/eventually.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';

test('the agent has the metrics of its migrations, is ready while the control plane hears it, and shows no migration without an order', async () => {
  await using plane = await startControlPlane();
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(200, {}));
  mkdirSync(plane.agentDirectory, { recursive: true });
  const config = join(plane.agentDirectory, 'agent.yaml');
  const projects = [{ id: SOURCE_PROJECT, name: 'shop', deployments: [{ name: 'orders', uri: pair.source.uri }] }];
  const metrics = { listen: '127.0.0.1:0' };
  const settings = { host: 'mover', dataDir: 'state', allowedDestinations: ['127.0.0.0/8'], metrics, projects };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  const env = { LINKSPAN_LINK_TOKEN: await plane.newToken() };
  await using agent = runLinkspan(['agent', '--config', config], { env });
  const [, url = ''] = await agent.waitForLine(/metrics are served at (http:\/\/\S+)\/metrics$/);
  const scrape = async () => scraped(await (await fetch(`${url}/metrics`)).text());
  const readiness = async () =>
    (await (await fetch(`${url}/readyz`)).json()) as { ready: boolean; reasons: readonly string[] };
  await eventually(async () => (await readiness()).ready, { what: 'the agent to be ready' });
  const isMigration = (name: string) => name.includes('migration="');
  assert.ok(![...(await scrape()).keys()].some(isMigration));

  await eventually(async () => (await linkedAgentsOf(plane.control.store, plane.orgId))[0]?.inventory[0], {
    what: 'the inventory',
  });
  const { control, actor, groupId } = plane;
  const { id } = await createMigration(control, actor, groupId, await orderTo(plane, pair.destination.uri));
  const copied = `linkspan_copied_documents{migration="${id}"}`;
  await eventually(async () => (await scrape()).get(copied) === 200, { what: 'all documents in the metrics' });

  await plane.goDown();
  await eventually(async () => (await readiness()).reasons[0] === 'the control plane has no recent report', {
    what: 'the agent to notice that no one hears it',
  });
  assert.equal((await scrape()).get(copied), 200);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});
