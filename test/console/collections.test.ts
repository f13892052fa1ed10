import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { progress } from '../atlas-api/migration-world.ts';
import { start } from '../atlas-api/started-migration.ts';
import { violationsOf } from './axe.ts';
import { openPage, type PageOptions, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { manyCollections, partsOf } from './reported-collections.ts';
import { MovedClock } from './scenes.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

/** Opens the page of a migration whose agent has reported so many collections. */
async function openCollections(number: number, look: PageOptions = {}) {
  assert.ok(browser);
  await using resources = new AsyncDisposableStack();
  const clock = new MovedClock();
  const plane = resources.use(await startWithConsole(built.path, { clock }));
  const { groupId, id, agent } = await start(plane);
  const all = manyCollections(number);
  for (const lists of partsOf(all))
    await agent.report({ migrations: [{ id, progress: progress(id, { state: 'COPYING' }), lists }] });
  const watched = resources.use(await openPage(browser, plane.url, look));
  const { page } = watched;
  await page.goto(`${plane.url}/#/projects/${groupId}/migrations/${id}`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const table = page.getByRole('table', { name: 'Collections' });
  await table.waitFor();
  const kept = resources.move();
  return { ...watched, clock, table, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test('thousands of collections are one table, largest first, of which only the visible rows are drawn', {
  skip,
}, async () => {
  await using shown = await openCollections(5_000);
  const { page, table, faults } = shown;
  assert.equal(await table.getAttribute('aria-rowcount'), '5001');
  const first = table.getByRole('row').nth(1);
  await first.getByText('shop.orders', { exact: true }).waitFor();
  assert.match((await first.textContent()) ?? '', /Copying37,800,000 of 60,000,00026\.4 GB of 41\.9 GB22\.8 MB\/s/);
  const order = 'Read in natural order, because its _ids are random.';
  assert.match((await first.getByTitle(order, { exact: true }).textContent()) ?? '', /Copying/);
  const refused = table.getByRole('row', { name: 'Quarantined' });
  assert.match((await refused.getByTitle(/failed validation/).textContent()) ?? '', /Quarantined/);
  assert.ok((await table.getByRole('row').count()) < 50);
  assert.deepEqual(await violationsOf(shown), []);

  const box = page.getByRole('region', { name: 'Collections, largest first' });
  await box.focus();
  await page.keyboard.press('End');
  const last = table.locator('[aria-rowindex="5001"]');
  await last.getByText('shop.users_4999', { exact: true }).waitFor();
  assert.ok((await table.getByRole('row').count()) < 50);
  await page.keyboard.press('Home');
  await first.getByText('shop.orders', { exact: true }).waitFor();
  assert.deepEqual(faults, []);
});

test('collections are found by a part of their name', { skip }, async () => {
  await using shown = await openCollections(300);
  const { page, table } = shown;
  const filter = page.getByLabel('Name contains');
  await filter.fill('CUSTOMERS_12');
  await table.getByText('shop.customers_122', { exact: true }).waitFor();
  assert.equal(await table.getAttribute('aria-rowcount'), '3');
  assert.equal(await table.getByText('shop.orders', { exact: true }).count(), 0);
  await filter.fill('nothing like that');
  await page.getByText('No collection has such a name.').waitFor();
  assert.deepEqual(await violationsOf(shown), []);
  await filter.fill('');
  await table.getByText('shop.orders', { exact: true }).waitFor();
  assert.deepEqual(shown.faults, []);
});

test('the collections of a silent agent are its last report, without rates', { skip }, async () => {
  await using shown = await openCollections(12);
  const { page, clock, table } = shown;
  await table.getByText('22.8 MB/s').first().waitFor();
  clock.offsetMs = 60_000;
  await page.getByText('The agent is silent. This is its last report, of').waitFor();
  assert.equal(await table.getByText('22.8 MB/s').count(), 0);
});

test('on a phone, a collection is three lines', { skip }, async () => {
  await using shown = await openCollections(5_000, { width: 390, height: 844 });
  const { page, table } = shown;
  const row = table.getByRole('row').filter({ hasText: 'shop.orders' }).first();
  await row.scrollIntoViewIfNeeded();
  assert.equal((await row.boundingBox())?.height, 84);
  const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  assert.ok(Number(tooWide) <= 0, `${tooWide} pixels too wide`);
  assert.deepEqual(await violationsOf(shown), []);
});
