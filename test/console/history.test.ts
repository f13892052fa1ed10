import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { start } from '../atlas-api/started-migration.ts';
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

test('charts show the last hour to everybody who opens the page', { skip }, async () => {
  assert.ok(browser);
  const clock = new MovedClock();
  await using plane = await startWithConsole(built.path, { clock });
  const { groupId, id, report } = await start(plane);
  for (const [minutes, lagSeconds] of [
    [30, 41],
    [20, 42],
    [10, 43],
  ] as const) {
    clock.offsetMs = -minutes * 60_000;
    await report({ state: 'tailing', lagSeconds });
  }
  clock.offsetMs = 0;
  await report({ state: 'tailing', lagSeconds: 44 });
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/projects/${groupId}/migrations/${id}`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const table = page.getByRole('table').filter({ hasText: 'Lag' });
  await page.getByText('As a table').first().click();
  for (const lag of ['41 s', '42 s', '43 s', '44 s']) await table.getByText(lag, { exact: true }).first().waitFor();
  assert.deepEqual(faults, []);
});

test('charts show the last 30 days when somebody asks for them, one point a minute', { skip }, async () => {
  assert.ok(browser);
  const clock = new MovedClock();
  await using plane = await startWithConsole(built.path, { clock });
  const { groupId, id, report } = await start(plane);
  for (const [days, lagSeconds] of [
    [20, 51],
    [10, 52],
    [2, 53],
  ] as const) {
    clock.offsetMs = -days * 86_400_000;
    await report({ state: 'tailing', lagSeconds });
  }
  clock.offsetMs = 0;
  await report({ state: 'tailing', lagSeconds: 54 });
  await using watched = await openPage(browser, plane.url);
  const { page, faults } = watched;
  await page.goto(`${plane.url}/#/projects/${groupId}/migrations/${id}`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const table = page.getByRole('table').filter({ hasText: 'Lag' });
  await page.getByText('As a table').first().click();
  await table.getByText('54 s', { exact: true }).first().waitFor();
  assert.equal(await table.getByText('51 s', { exact: true }).count(), 0, 'not in the last hour');
  await page.getByLabel('Charts show').selectOption('last 30 days, UTC');
  for (const lag of ['51 s', '52 s', '53 s', '54 s']) await table.getByText(lag, { exact: true }).first().waitFor();
  await page.getByRole('img', { name: /^The lag, last 30 days, UTC/ }).waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  assert.deepEqual(faults, []);
});
