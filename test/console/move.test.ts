import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { registerStaticFiles } from '../../src/http/index.ts';
import { progress } from '../atlas-api/migration-world.ts';
import { startTwoHosts } from '../atlas-api/two-hosts.ts';
import { violationsOf } from './axe.ts';
import { openPage, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { MovedClock } from './scenes.ts';
import { signIn } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

test('a migration is moved to a host that stands by', { skip }, async () => {
  assert.ok(browser);
  await using hosts = await startTwoHosts({
    clock: new MovedClock(),
    register: (app) => registerStaticFiles(app, built.path),
  });
  const { plane, leader, id, groupId } = hosts;
  await hosts.wanted(leader);
  await leader.report({ migrations: [{ id, progress: progress(id) }] });
  await hosts.standsBy();
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/projects/${groupId}/migrations/${id}`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByRole('button', { name: 'Move…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Move to another host' });
  await dialog.getByLabel('Host').selectOption('standby');
  assert.deepEqual(await violationsOf(watched), []);
  await dialog.getByRole('button', { name: 'Move', exact: true }).click();
  await page.getByText('Moving to').waitFor();
  await leader.report({});
  await page.getByText('Taken over from leader').waitFor();
  assert.deepEqual(faults, []);
});
