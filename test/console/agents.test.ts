import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { AgentClient, linkAgent, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { violationsOf } from './axe.ts';
import { openPage, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { MovedClock } from './scenes.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

test('a link-token is shown once with the command of the agent, which then appears with its clusters', {
  skip,
}, async () => {
  assert.ok(browser);
  const clock = new MovedClock();
  await using plane = await startWithConsole(built.path, { clock });
  await using watched = await openPage(browser, plane.url);
  const { page, context, faults } = watched;
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(`${plane.url}/#/agents`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByText('No agent is linked.').waitFor();

  await page.getByRole('button', { name: 'Issue link-token…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Issue a link-token' });
  await dialog.getByLabel('Only for the host').fill('mover-1');
  await dialog.getByLabel('Only from the addresses').fill('127.0.0.1, 10.0.0.0/8');
  await page.setViewportSize({ width: 1280, height: 600 });
  await page.keyboard.press('Enter');
  await dialog.getByText('This is shown once.').waitFor();
  assert.equal(await page.evaluate('document.activeElement?.textContent'), 'Done');
  assert.equal(await page.evaluate(`document.querySelector('dialog').scrollTop`), 0, 'the warning is in sight');
  assert.deepEqual(await violationsOf(watched), []);
  await page.keyboard.press('Escape');
  const [token = '', , command = ''] = await dialog.locator('code').allTextContents();
  assert.equal(command, `LINKSPAN_LINK_TOKEN='${token}' linkspan agent --config agent.yaml`);
  await dialog.getByRole('button', { name: 'Copy' }).last().click();
  await dialog.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate('navigator.clipboard.readText()'), command);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.ok(!(await page.content()).includes(token));

  const agent = new AgentClient(plane.url, undefined, clock.now);
  agent.agentId = String((await agent.redeem(token, 'mover-1')).json.agentId);
  const sharded = { ...SOURCE, name: 'large', sharded: true, shardsSize: 2 };
  const deployments = [sharded, { ...SOURCE, dbSizeBytes: 5 * 1024 ** 3 }];
  await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments }] });
  const row = page.getByRole('row').filter({ hasText: 'mover-1' }).filter({ hasText: '10.0.0.0/8' });
  await row.getByText('Connected').waitFor();
  const sources = page.getByRole('table', { name: 'Clusters that agents can migrate' });
  await sources.getByRole('cell', { name: 'large, sharded (2 shards)', exact: true }).waitFor();
  const source = sources.getByRole('row').last();
  assert.deepEqual(await source.getByRole('cell').allTextContents(), ['source', 'shop', 'mover-1', '8.0.4', '5.37 GB']);
  clock.offsetMs = 60_000;
  await row.getByText('Silent').waitFor();
  assert.deepEqual(await violationsOf(watched), []);

  await row.getByRole('button', { name: 'Revoke…' }).click();
  await page.getByLabel('Type mover-1 to confirm').fill('mover-1');
  await page.keyboard.press('Enter');
  await page.getByText('No agent is linked.').waitFor();
  assert.deepEqual(faults, []);
});

test('an owner approves an agent that replaces another, and ends all links; a reader sees them', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  await linkAgent(plane);
  const second = new AgentClient(plane.url);
  const tokens = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/linkTokens`;
  const token = await plane.api('POST', tokens, { body: { accessListIps: [] } });
  await second.redeem(String(token.json.linkToken), 'host-1');
  const made = await plane.api('POST', `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`, {
    body: { desc: 'reader', roles: ['ORG_READ_ONLY'] },
  });
  await using reading = await openPage(browser, plane.url);
  await reading.page.goto(`${plane.url}/#/agents`);
  await signIn(reading, String(made.json.publicKey), String(made.json.privateKey));
  await reading.page.getByText('Waits for approval').waitFor();
  assert.deepEqual(await reading.page.getByRole('button').allTextContents(), ['Sign out']);
  assert.deepEqual(reading.faults, []);

  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/agents`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByRole('button', { name: 'Approve…' }).click();
  await page.getByLabel('Type host-1 to confirm').fill('host-1');
  await page.keyboard.press('Enter');
  await page.getByText('Waits for approval').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'End all links…' }).click();
  const { name } = (await plane.api('GET', `/api/atlas/v2/orgs/${plane.orgId}`)).json;
  await page.getByLabel(`Type ${name} to confirm`).fill(String(name));
  await page.keyboard.press('Enter');
  await page.getByText('No agent is linked.').waitFor();
  assert.deepEqual(faults, []);
});
