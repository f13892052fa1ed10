import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readAgentConfiguration } from '../../src/agent/index.ts';
import { AgentClient, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
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

test('the guide leads to a first migration, and each step ticks itself off', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(plane.url);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const dialog = page.getByRole('dialog');
  const now = page.locator('[aria-current=step]');
  const isDone = (step: string) =>
    page
      .getByRole('listitem')
      .filter({ hasText: `Done: ${step}` })
      .waitFor();

  await now.filter({ hasText: 'Create a project' }).waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  await page.getByRole('button', { name: 'Create project…' }).click();
  await dialog.getByLabel('Name').fill('Shop');
  await page.keyboard.press('Enter');
  await isDone('Create a project');

  await now.filter({ hasText: 'Register a destination' }).waitFor();
  await page.getByRole('button', { name: 'Register destination…' }).click();
  const name = dialog.getByLabel('Name of the cluster');
  await name.fill('tar get');
  await page.keyboard.press('Enter');
  const said = await page.evaluate("document.querySelector('dialog input[name=name]').validationMessage");
  assert.match(String(said), /^Use letters, digits and hyphens/);
  await name.fill('target');
  await dialog.getByLabel('Connection string').fill('mongodb://mover:secret@d1:27017/?replicaSet=rs');
  await page.keyboard.press('Enter');
  await isDone('Register a destination');

  await now.filter({ hasText: 'Issue a link-token' }).waitFor();
  await page.getByRole('button', { name: 'Issue link-token…' }).click();
  await dialog.getByRole('button', { name: 'Issue link-token' }).click();
  await dialog.getByText('This is shown once.').waitFor();
  const [token = '', yaml = ''] = await dialog.locator('code').allTextContents();
  using folder = temporaryFolder('guide');
  const file = join(folder.path, 'agent.yaml');
  writeFileSync(file, yaml);
  const { projects, allowedDestinations } = readAgentConfiguration(file, { SOURCE_PASSWORD: 'secret' });
  assert.equal(projects[0]?.deployments[0]?.uri, 'mongodb://linkspan:secret@source-1:27017/?replicaSet=rs0');
  assert.deepEqual(allowedDestinations, ['d1']);
  // The step is done now. Its dialog stays, because the token is shown once.
  await isDone('Issue a link-token');
  await now.filter({ hasText: 'Start the agent' }).waitFor();
  assert.equal(await dialog.locator('code').first().textContent(), token);
  await dialog.getByRole('button', { name: 'Done' }).click();

  const agent = new AgentClient(plane.url);
  agent.agentId = String((await agent.redeem(token)).json.agentId);
  await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'shop', deployments: [SOURCE] }] });
  await isDone('Start the agent');
  await now.filter({ hasText: 'Start the migration' }).waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  assert.deepEqual(faults, []);
});

test('a reader of an organization without migrations sees no steps that need an owner', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  const made = await plane.api('POST', `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`, {
    body: { desc: 'reader', roles: ['ORG_READ_ONLY'] },
  });
  await using watched = await openPage(browser, plane.url);
  await watched.page.goto(plane.url);
  await signIn(watched, String(made.json.publicKey), String(made.json.privateKey));
  await watched.page.getByText('An owner of the organization can start one.').waitFor();
  assert.deepEqual(await watched.page.getByRole('button').allTextContents(), ['Sign out']);
  assert.deepEqual(watched.faults, []);
});
