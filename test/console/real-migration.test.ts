import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ControlPlane } from '../atlas-api/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { violationsOf } from './axe.ts';
import { openPage, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

const SOURCE_PROJECT = '0123456789abcdef01234567';

/** Starts the migration as soon as the agent offers its cluster. */
async function startMigration(plane: ControlPlane, groupId: string): Promise<void> {
  const body = {
    source: { clusterName: 'orders', groupId: SOURCE_PROJECT, managedAuthentication: true, ssl: false },
    destination: { clusterName: 'target', groupId, hostnameSchemaType: 'PUBLIC' },
    migrationHosts: ['mover'],
    dropDestinationData: false,
  };
  const path = `/api/atlas/v2/groups/${groupId}/liveMigrations`;
  const create = async () => (await plane.api('POST', path, { body })).status === 201;
  await eventually(create, { what: 'the migration to be accepted' });
}

test('a real migration is watched, cut over and reported in the browser', { skip }, async () => {
  assert.ok(browser);
  await using pair = await startPair();
  await pair.source.client
    .db('shop')
    .collection('orders')
    .insertMany(numbered(2000, { text: 'x'.repeat(200) }));
  using folder = temporaryFolder('real-console');
  await using plane = await startWithConsole(built.path);
  const configuration = join(folder.path, 'agent.yaml');
  const deployment = { name: 'orders', uri: pair.source.uri };
  writeFileSync(
    configuration,
    JSON.stringify({
      host: 'mover',
      dataDir: join(folder.path, 'agent'),
      allowedDestinations: ['127.0.0.0/8'],
      projects: [{ id: SOURCE_PROJECT, name: 'Shop', deployments: [deployment] }],
    }),
  );
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'New home', orgId: plane.orgId } });
  const groupId = String(group.json.id);
  const cluster = { name: 'target', connectionStrings: { standard: pair.destination.uri } };
  await plane.api('POST', `/api/atlas/v2/groups/${groupId}/clusters`, { body: cluster });
  const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations`;
  const token = await plane.api('POST', `${links}/linkTokens`, { body: { accessListIps: [] } });
  await using _agent = runLinkspan(['agent', '--config', configuration], {
    env: { LINKSPAN_LINK_TOKEN: String(token.json.linkToken) },
  });

  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(plane.url);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByText('No migration yet.').waitFor();

  await startMigration(plane, groupId);
  await page.getByRole('link', { name: 'orders → target' }).click();
  await page.getByRole('status').filter({ hasText: 'Ready to cut over.' }).waitFor({ timeout: 120_000 });
  await page.getByText('2,000 of 2,000').first().waitFor();
  const orders = page.getByRole('table', { name: 'Collections' }).getByRole('row', { name: 'shop.orders' });
  await orders.getByText('Done', { exact: true }).waitFor();
  await orders.getByText('2,000', { exact: true }).waitFor();
  await page.getByRole('img', { name: /^What the time went to: / }).waitFor();
  assert.deepEqual(await violationsOf(watched), []);

  await page.getByRole('button', { name: 'Cut over…' }).click();
  await page.getByLabel('My applications are ready').check();
  await page.getByLabel('Type target to confirm').fill('target');
  await page.getByRole('button', { name: 'Stop writes and cut over' }).click();
  await page.getByRole('heading', { name: 'Cutover report' }).waitFor({ timeout: 120_000 });
  await page.getByRole('status').filter({ hasText: 'Complete.' }).waitFor();
  await page.getByText('in 2,000 documents of 1 collection').waitFor();
  await page.setViewportSize({ width: 390, height: 844 });
  for (const text of ['From the command that set', 'the point of no return was recorded']) {
    const box = await page.getByText(text).first().boundingBox();
    assert.ok(box !== null && box.width > 300, `"${text}" is ${box?.width} px wide on a screen of 390`);
  }
  assert.deepEqual(await violationsOf(watched), []);
  assert.deepEqual(faults, []);
  await expectIdentical(pair);
});
