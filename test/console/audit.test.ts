import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { lastAuditRecord } from '../../src/control/index.ts';
import { newId } from '../../src/platform/index.ts';
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

/** The events, without the row of headings. */
const rowsOf = (page: Page) => page.getByRole('table', { name: 'Audit' }).locator('tbody tr');

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
  for (const part of ['GROUP_CREATED', `API key ${plane.publicKey}`, '127.0.0.1', 'name: Project 60']) {
    await newest.getByText(part, { exact: true }).waitFor();
  }
  assert.ok(await page.getByRole('button', { name: 'Newer' }).isDisabled());
  await page.getByRole('button', { name: 'Older' }).click();
  await page.getByText('51–60 of 60').waitFor();
  await page.getByText('name: Project 1', { exact: true }).waitFor();
  assert.ok(await page.getByRole('button', { name: 'Older' }).isDisabled());
  assert.equal(await page.getByLabel('Type of event').inputValue(), 'group_created', 'the filter stays');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.reload();
  await rowsOf(page).first().waitFor();
  const top = (await rowsOf(page).first().boundingBox())?.y;
  assert.ok(top !== undefined && top < 422, `the events begin ${top} px below the top of a phone`);
  assert.deepEqual(faults, []);
});

test('the audit shows the events of an actor, of a project and of a time', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  const made = await plane.api('POST', `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`, {
    body: { desc: 'ci', roles: ['ORG_GROUP_CREATOR'] },
  });
  const user: [string, string] = [String(made.json.publicKey), String(made.json.privateKey)];
  await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'By ci', orgId: plane.orgId }, user });
  await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'By owner', orgId: plane.orgId } });
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/audit`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const rows = page.getByRole('row');
  const show = page.getByRole('button', { name: 'Show', exact: true });

  await page.getByRole('textbox', { name: /^By/ }).fill(user[0]);
  await show.click();
  await page.getByText('1–1 of 1').waitFor();
  await rows.filter({ hasText: 'name: By ci' }).waitFor();

  await page.getByRole('textbox', { name: /^By/ }).fill('');
  await page.getByRole('combobox', { name: /^Project/ }).selectOption('By owner');
  await show.click();
  await page.getByText('1–1 of 1').waitFor();
  await rows.filter({ hasText: 'name: By owner' }).waitFor();

  await page.getByRole('combobox', { name: /^Project/ }).selectOption('All events');
  await page.getByLabel('Until, UTC').fill('2001-01-01T00:00');
  await show.click();
  await page.getByText('No such event.').waitFor();
  await page.getByLabel('Until, UTC').fill('');
  await page.getByLabel('From, UTC').fill('2001-01-01T00:00');
  await page.getByLabel('Type of event').fill('GROUP_CREATED');
  await show.click();
  await page.getByText('1–2 of 2').waitFor();
  assert.deepEqual(faults, []);
});

test('the audit shows the events about one thing, by all accounts', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  const keys = `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`;
  const [ci] = await Promise.all(
    ['ci', 'other'].map((desc) => plane.api('POST', keys, { body: { desc, roles: ['ORG_MEMBER'] } })),
  );
  await plane.api('PATCH', `${keys}/${ci?.json.id}`, { body: { desc: 'renamed' } });
  await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'Shop', orgId: plane.orgId } });
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/audit`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const show = page.getByRole('button', { name: 'Show', exact: true });
  await page.getByRole('combobox', { name: /^About/ }).selectOption('An API key');
  await show.click();
  // The first key was created at the server's first start.
  await page.getByText('1–4 of 4').waitFor();
  await page.getByLabel('Which one').fill(String(ci?.json.publicKey));
  await show.click();
  await page.getByText('1–2 of 2').waitFor();
  for (const type of ['API_KEY_CREATED', 'API_KEY_DESCRIPTION_CHANGED'])
    await page.getByRole('row').filter({ hasText: type }).waitFor();
  await page.getByRole('combobox', { name: /^About/ }).selectOption('A migration');
  await show.click();
  await page.getByText('No such event.').waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  assert.deepEqual(faults, []);
});

test('an owner verifies the audit, and the first altered record is named', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/audit`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const dialog = page.getByRole('dialog');
  const verify = async () => {
    await page.getByRole('button', { name: 'Verify…' }).click();
    await dialog.getByRole('button', { name: 'Verify' }).click();
  };
  await verify();
  await dialog.getByText(/^Intact: your organization's \d+ records are as they were written\.$/).waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  await dialog.getByRole('button', { name: 'Done' }).click();

  const last = await lastAuditRecord(plane.store);
  assert.ok(last);
  const forged = { ...last, id: newId(), sequence: last.sequence + 1, previousHash: last.hash };
  await plane.store.write((transaction) => transaction.appendAuditRecord(forged));
  await verify();
  await dialog.getByText(`Not intact. Record ${forged.sequence}: it was altered.`).waitFor();
  assert.deepEqual(faults, []);
});

test('a reader of the audit does not verify it', { skip }, async () => {
  assert.ok(browser);
  await using plane = await startWithConsole(built.path);
  const made = await plane.api('POST', `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`, {
    body: { desc: 'reader', roles: ['ORG_READ_ONLY'] },
  });
  await using watched = await openPage(browser, plane.url);
  await watched.page.goto(`${plane.url}/#/audit`);
  await signIn(watched, String(made.json.publicKey), String(made.json.privateKey));
  await watched.page.getByRole('row').filter({ hasText: 'CONSOLE_SESSION_BEGAN' }).first().waitFor();
  assert.equal(await watched.page.getByRole('button', { name: 'Verify…' }).count(), 0);
});
