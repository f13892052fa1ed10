import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { start } from '../atlas-api/started-migration.ts';
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
