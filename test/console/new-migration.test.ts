import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ControlPlane } from '../atlas-api/control-plane.ts';
import { SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { violationsOf } from './axe.ts';
import { openPage, type PageOptions, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { answerValidation, prepareShop } from './new-shop.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

async function open(plane: ControlPlane, look: PageOptions = {}) {
  assert.ok(browser);
  const watched = await openPage(browser, plane.url, look);
  await watched.page.goto(`${plane.url}/#/new`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  return watched;
}

const finding = (code: string, severity: 'ERROR' | 'WARNING') => ({
  code,
  severity,
  message: `A message of ${code}.`,
  remedy: `A remedy of ${code}.`,
});

test('a migration is checked with every finding and its remedy, and starts when the check has passed', {
  skip,
}, async () => {
  await using plane = await startWithConsole(built.path);
  const agent = await prepareShop(plane);
  await using watched = await open(plane);
  const { page, faults } = watched;
  const check = page.getByRole('button', { name: 'Check', exact: true });
  await check.waitFor();
  const sharded = 'parts, sharded (2 shards) in Old shop, by the agent on mover-1';
  await page.getByRole('option', { name: sharded, exact: true }).waitFor({ state: 'attached' });
  assert.deepEqual(await violationsOf(watched), []);
  await page.getByRole('textbox', { name: 'User' }).fill('reader');
  await page.getByLabel('Password').fill('source-canary');
  await page.getByLabel('Keep a failback').check();
  await page.getByLabel('Bring users and roles over').check();
  await check.click();
  await page.getByText('The agent checks both sides…').waitFor();
  await answerValidation(agent, {
    status: 'FAILED',
    errorMessage: 'A message of DESTINATION_OLDER.',
    findings: [finding('DESTINATION_KEPT', 'WARNING'), finding('DESTINATION_OLDER', 'ERROR')],
  });
  await page.getByRole('alert').getByText('Fix the errors, then check again.').waitFor();
  const found = await page.getByRole('region', { name: 'Check' }).getByRole('listitem').allTextContents();
  assert.deepEqual(
    found.map((text) => text.replace(/Copy$/, '')),
    ['DESTINATION_OLDER', 'DESTINATION_KEPT'].map((code) => `A message of ${code}.A remedy of ${code}. [${code}]`),
  );
  assert.equal(await page.getByRole('button', { name: 'Start…' }).count(), 0);
  assert.deepEqual(await violationsOf(watched), []);

  await check.click();
  await answerValidation(agent, {
    status: 'SUCCESS',
    errorMessage: null,
    findings: [finding('DESTINATION_KEPT', 'WARNING')],
  });
  const start = page.getByRole('button', { name: 'Start…' });
  await start.waitFor();
  await page.getByText('How much there is to copy, and how long it takes, is unknown.').waitFor();
  // Other options are not checked.
  await page.getByLabel('Drop what the destination holds').check();
  await start.waitFor({ state: 'detached' });
  await check.click();
  const estimate = {
    ...{ collections: 3, documents: 40_000, bytes: 6e9, indexes: 2, indexBytes: 1_048_576, left: 1 },
    copy: { seconds: 300, bytesPerSecond: 20_000_000, restsOn: 'MEASURED_SOURCE_READ' },
  };
  await answerValidation(agent, { status: 'SUCCESS', errorMessage: null, findings: [], estimate });
  await page.getByText('6.00 GB, 40,000 documents in 3 collections').waitFor();
  await page
    .getByText('about 5 min 0 s at 20.0 MB/s: measured now, by reading the source for a moment', { exact: true })
    .waitFor();
  await page.getByText('1 database or collection could not be measured in time.').waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  await start.click();
  await page.getByText('Everything on target is dropped first.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Start', exact: true }).isDisabled());
  await page.getByLabel('Type target to confirm').fill('target');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'orders → target' }).waitFor();
  const [migration] = await plane.store.find('migrations', { isActive: true });
  assert.ok(migration);
  const { host, username, dropDestination, reversible, usersAndRoles, sourceGroupId } = migration;
  assert.deepEqual(
    [host, username, dropDestination, reversible, usersAndRoles, sourceGroupId],
    ['mover-1', 'reader', true, true, true, SOURCE_PROJECT],
  );
  assert.deepEqual(faults, []);
});

for (const look of [{ width: 360, height: 780 }, { colours: 'dark' }] as const) {
  test(`the page to start a migration fits ${JSON.stringify(look)}, and has enough contrast there`, {
    skip,
  }, async () => {
    await using plane = await startWithConsole(built.path);
    await prepareShop(plane);
    await using watched = await open(plane, look);
    await watched.page.getByRole('button', { name: 'Check', exact: true }).waitFor();
    const tooWide = await watched.page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(Number(tooWide) <= 0, `${tooWide} pixels too wide`);
    assert.deepEqual(await violationsOf(watched), []);
  });
}

test('the page to start a migration says what is missing, and is absent for readers', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  await using watched = await open(plane);
  await watched.page.getByRole('link', { name: 'Link an agent first.' }).click();
  await watched.page.getByRole('heading', { level: 1, name: 'Agents' }).waitFor();
  const made = await plane.api('POST', `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`, {
    body: { desc: 'reader', roles: ['ORG_READ_ONLY'] },
  });
  await using reading = await openPage(browser, plane.url);
  await reading.page.goto(`${plane.url}/#/new`);
  await signIn(reading, String(made.json.publicKey), String(made.json.privateKey));
  await reading.page.getByText('There is no such page.').waitFor();
  assert.equal(await reading.page.getByRole('link', { name: 'New migration' }).count(), 0);
});
