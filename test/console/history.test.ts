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

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Opens the page of a migration, with its lag as a table. @param past  lags in seconds, and how long ago each was reported */
async function openLag(past: readonly (readonly [agoMs: number, lagSeconds: number])[]) {
  assert.ok(browser);
  await using resources = new AsyncDisposableStack();
  const clock = new MovedClock();
  const plane = resources.use(await startWithConsole(built.path, { clock }));
  const { groupId, id, report } = await start(plane);
  for (const [agoMs, lagSeconds] of past) {
    clock.offsetMs = -agoMs;
    await report({ state: 'FOLLOWING', lagSeconds });
  }
  const watched = resources.use(await openPage(browser, plane.url));
  const { page } = watched;
  await page.goto(`${plane.url}/#/projects/${groupId}/migrations/${id}`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await page.getByText('As a table').first().click();
  const table = page.getByRole('table').filter({ hasText: 'Lag' });
  const cell = (lag: string) => table.getByText(lag, { exact: true });
  const kept = resources.move();
  return { watched, page, cell, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test('charts show the last hour to everybody who opens the page', { skip }, async () => {
  await using opened = await openLag([
    [30 * MINUTE_MS, 41],
    [20 * MINUTE_MS, 42],
    [10 * MINUTE_MS, 43],
    [0, 44],
  ]);
  const { watched, cell } = opened;
  for (const lag of ['41 s', '42 s', '43 s', '44 s']) await cell(lag).first().waitFor();
  assert.deepEqual(watched.faults, []);
});

test('charts show the last 30 days on request, one point a minute', { skip }, async () => {
  await using opened = await openLag([
    [20 * DAY_MS, 51],
    [10 * DAY_MS, 52],
    [2 * DAY_MS, 53],
    [0, 54],
  ]);
  const { watched, page, cell } = opened;
  await cell('54 s').first().waitFor();
  assert.equal(await cell('51 s').count(), 0, 'not in the last hour');
  await page.getByLabel('Charts show').selectOption('last 30 days, UTC');
  for (const lag of ['51 s', '52 s', '53 s', '54 s']) await cell(lag).first().waitFor();
  await page.getByRole('img', { name: /^The lag, last 30 days, UTC/ }).waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  assert.deepEqual(watched.faults, []);
});
