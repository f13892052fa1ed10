import assert from 'node:assert/strict';
import { after, test } from 'node:test';
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

const DESTINATION = 'mongodb://mover:destination-canary@d1:27017/?replicaSet=rs';

test('a project and its destinations are created, changed and deleted in the browser, and no password is shown', {
  skip,
}, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/projects`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByText('No project yet.').waitFor();

  await page.getByRole('button', { name: 'Create project…' }).click();
  await page.getByLabel('Name').fill('Shop');
  await page.keyboard.press('Enter');
  const project = page.getByRole('region', { name: 'Shop' });
  await project.getByText('No destination yet.').waitFor();
  assert.equal(await page.evaluate('document.activeElement?.textContent'), 'Create project…', 'the focus returns');

  await project.getByRole('button', { name: 'Register destination…' }).click();
  const dialog = page.getByRole('dialog');
  assert.deepEqual(await violationsOf(watched), []);
  await dialog.getByLabel('Name of the cluster').fill('target');
  await dialog.getByLabel('Connection string').fill('mongodb://d1:27017/?replicaSet=rs&tlsInsecure=true');
  await page.keyboard.press('Enter');
  // The refusal, and its remedy.
  await dialog.getByRole('alert').getByText('tlsInsecure').waitFor();
  await dialog.getByRole('alert').getByText('Use a string of the form mongodb://').waitFor();
  await dialog.getByLabel('Connection string').fill(DESTINATION);
  await page.keyboard.press('Enter');
  const row = project.getByRole('row').filter({ hasText: 'target' });
  await row.getByText('mongodb://d1:27017/').waitFor();
  await row.getByText('the registered user, who may not create users').waitFor();
  assert.ok(!(await page.content()).includes('destination-canary'));

  await row.getByRole('button', { name: 'Change connection…' }).click();
  await dialog.getByLabel('Connection string').fill(DESTINATION.replace('d1', 'd2'));
  await page.keyboard.press('Enter');
  await row.getByText('mongodb://d2:27017/').waitFor();

  await project.getByRole('button', { name: 'Rename…' }).click();
  await dialog.getByLabel('Name').fill('New shop');
  await page.waitForResponse((response) => response.url().includes('/clusters?'));
  assert.equal(await dialog.getByLabel('Name').inputValue(), 'New shop', 'an update of the page leaves the text');
  await page.keyboard.press('Enter');
  const renamed = page.getByRole('region', { name: 'New shop' });
  await renamed.waitFor();
  assert.deepEqual(await violationsOf(watched), []);

  // A project with a destination is refused.
  await renamed.getByRole('button', { name: 'Delete project…' }).click();
  await dialog.getByLabel('Type New shop to confirm').fill('New shop');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').getByText('cannot be deleted while it has clusters: target').waitFor();
  await page.keyboard.press('Escape');

  await renamed.getByRole('row').filter({ hasText: 'target' }).getByRole('button', { name: 'Delete…' }).click();
  assert.ok(await dialog.getByRole('button', { name: 'Delete registration' }).isDisabled());
  await dialog.getByLabel('Type target to confirm').fill('target');
  await page.keyboard.press('Enter');
  await renamed.getByText('No destination yet.').waitFor();
  await renamed.getByRole('button', { name: 'Delete project…' }).click();
  await dialog.getByLabel('Type New shop to confirm').fill('New shop');
  await page.keyboard.press('Enter');
  await page.getByText('No project yet.').waitFor();
  assert.deepEqual(
    faults.filter((fault) => !fault.includes('status of 4')),
    [],
  );
});

test('projects show only the actions of the roles in each project', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  const ids = [];
  for (const name of ['Managed', 'Read', 'Foreign']) {
    const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name, orgId: plane.orgId } });
    ids.push(String(group.json.id));
    const body = { name: 'target', connectionStrings: { standard: DESTINATION } };
    await plane.api('POST', `/api/atlas/v2/groups/${group.json.id}/clusters`, { body });
  }
  const made = await plane.api('POST', `/api/atlas/v2/groups/${ids[0]}/apiKeys`, {
    body: { desc: 'manager', roles: ['GROUP_CLUSTER_MANAGER'] },
  });
  await plane.api('POST', `/api/atlas/v2/groups/${ids[1]}/apiKeys/${made.json.id}`, {
    body: [{ roles: ['GROUP_READ_ONLY'] }],
  });
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/projects`);
  await signIn(watched, String(made.json.publicKey), String(made.json.privateKey));
  const buttonsOf = async (name: string) => {
    const project = page.getByRole('region', { name });
    await project.getByRole('row').filter({ hasText: 'target' }).waitFor();
    return await project.getByRole('button').allTextContents();
  };
  assert.deepEqual(await buttonsOf('Managed'), ['Change connection…', 'Register destination…']);
  assert.deepEqual(await buttonsOf('Read'), []);
  assert.equal(await page.getByRole('region', { name: 'Foreign' }).count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Create project…' }).count(), 0);
  assert.deepEqual(faults, []);
});
