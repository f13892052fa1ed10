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

test('the audit shows who did what, by type and page by page', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  for (let number = 1; number <= 60; number += 1) {
    await plane.api('POST', '/api/atlas/v2/groups', { body: { name: `Project ${number}`, orgId: plane.orgId } });
  }
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/audit`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByRole('row').filter({ hasText: 'CONSOLE_SESSION_BEGAN' }).waitFor();
  assert.deepEqual(await violationsOf(watched), []);

  await page.getByLabel('Type of event').fill('group_created');
  await page.keyboard.press('Enter');
  await page.getByText('1–50 of 60').waitFor();
  const newest = page.getByRole('row').nth(1);
  for (const part of ['GROUP_CREATED', `api key ${plane.publicKey}`, '127.0.0.1', 'name: Project 60']) {
    await newest.getByText(part, { exact: true }).waitFor();
  }
  assert.ok(await page.getByRole('button', { name: 'Newer' }).isDisabled());
  await page.getByRole('button', { name: 'Older' }).click();
  await page.getByText('51–60 of 60').waitFor();
  await page.getByText('name: Project 1', { exact: true }).waitFor();
  assert.ok(await page.getByRole('button', { name: 'Older' }).isDisabled());
  assert.equal(await page.getByLabel('Type of event').inputValue(), 'group_created', 'the filter stays');
  assert.deepEqual(faults, []);
});
