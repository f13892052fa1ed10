import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { violationsOf } from './axe.ts';
import { openPage, startBrowser } from './browser.ts';
import { installConsole } from './installed-console.ts';

await installConsole();
const { browser, skip } = await startBrowser();
after(() => browser?.close());

const PATIENT = { timeout: 120_000 };
const TOKEN = '0123456789abcdef0123456789abcdef';
const NOWHERE = { source: 'mongodb://127.0.0.1:1/?replicaSet=a', destination: 'mongodb://127.0.0.1:2/?replicaSet=b' };

/** Starts `linkspan sync`, and returns the address of its console. */
async function startSync(
  uris: { readonly source: string; readonly destination: string },
  flags: readonly string[] = [],
) {
  const sides = ['--cluster0', uris.source, '--cluster1', uris.destination];
  const linkspan = runLinkspan(['sync', ...sides, '--port', '0', ...flags]);
  const [, url = ''] = await linkspan.waitForLine(/^linkspan sync: console at (http:\/\/\S+)\/$/);
  return { url, [Symbol.asyncDispose]: () => linkspan[Symbol.asyncDispose]() };
}

/** The attempts of a hostile page: each way in which a browser sends a change without asking first, and one for which it asks. */
const ATTACK = `async (target) => {
  const send = (path, init) => fetch(target + path, { method: 'POST', mode: 'no-cors', ...init }).catch(() => undefined);
  const body = '{"source":"cluster0","destination":"cluster1"}';
  await send('/api/v1/start', { body });
  await send('/api/v1/start', { body, headers: { 'content-type': 'text/plain' } });
  await send('/api/v1/start', { body, mode: 'cors', headers: { 'linkspan-console': '1' } });
  navigator.sendBeacon(target + '/api/v1/start', body);
  const form = document.createElement('form');
  Object.assign(form, { method: 'POST', enctype: 'text/plain', action: target + '/api/v1/start' });
  const input = document.createElement('input');
  Object.assign(input, { name: '{"source":"cluster0","destination":"cluster1","x":"', value: '"}' });
  form.append(input);
  document.body.append(form);
  const read = await fetch(target + '/api/v1/progress').then((answer) => answer.text(), () => 'not readable');
  form.submit();
  return read;
}`;

test('a migration of linkspan sync is started, watched and cut over on its own page, and no other page can touch it', {
  skip,
}, async () => {
  assert.ok(browser);
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const users = await reversibleUsers(pair);
  await pair.source.client
    .db('shop')
    .collection('orders')
    .insertMany(numbered(2000, { text: 'x'.repeat(200) }));
  await using sync = await startSync({ source: users.source.uri, destination: users.destination.uri });

  const hostile = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<body>hostile'));
  await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve));
  await using stranger = await openPage(browser, sync.url);
  await stranger.page.goto(`http://127.0.0.1:${(hostile.address() as AddressInfo).port}/`);
  assert.equal(await stranger.page.evaluate(`(${ATTACK})('${sync.url}')`), 'not readable');
  await stranger.page.getByText('ForeignPage').waitFor();
  hostile.close();
  const { progress } = (await (await fetch(`${sync.url}/api/v1/progress`)).json()) as { progress: { state: string } };
  assert.equal(progress.state, 'IDLE');

  await using watched = await openPage(browser, sync.url);
  const { page, faults } = watched;
  const answer = await page.goto(sync.url);
  assert.match(answer?.headers()['content-security-policy'] ?? '', /^default-src 'none'; script-src 'self';/);
  const dialog = page.getByRole('dialog');
  await page.getByRole('heading', { name: 'No migration runs in this process.' }).waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  await page.getByLabel('Keep a failback').check();
  await page.getByRole('button', { name: 'Start…' }).click();
  await dialog.getByText('Users keep writing to cluster0 until you cut over.').waitFor();
  await dialog.getByRole('button', { name: 'Start' }).click();

  await page.getByRole('status').filter({ hasText: 'Ready to cut over.' }).waitFor(PATIENT);
  await page.getByText('2,000 of 2,000').first().waitFor();
  const collections = page.getByRole('table', { name: 'Collections, largest first' });
  await collections.getByRole('row').filter({ hasText: 'shop.orders' }).getByText('2,000').waitFor(PATIENT);
  await page.getByRole('heading', { name: /^What limits/ }).waitFor(PATIENT);
  // This API neither cancels a migration nor has a cutover window.
  const buttons = await page.locator('.actions').getByRole('button').allTextContents();
  assert.deepEqual(buttons, ['Pause', 'Rehearse…', 'Cut over…']);
  assert.deepEqual(await violationsOf(watched), []);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('status').filter({ hasText: 'Paused.' }).waitFor(PATIENT);
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('status').filter({ hasText: 'Ready to cut over.' }).waitFor(PATIENT);

  await page.getByRole('button', { name: 'Cut over…' }).click();
  await dialog.getByLabel('My applications are ready').check();
  await dialog.getByLabel('Type cluster1 to confirm').fill('cluster1');
  await dialog.getByRole('button', { name: 'Stop writes and cut over' }).click();
  await page.getByRole('status').filter({ hasText: 'Complete. cluster1 has all data' }).waitFor(PATIENT);
  await page.getByRole('heading', { name: 'Cutover report' }).waitFor();
  await page.getByText('in 2,000 documents of 1 collection').waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  await expectIdentical(pair);

  await page.getByRole('button', { name: 'Reverse…', disabled: false }).click(PATIENT);
  await dialog.getByRole('button', { name: 'Reverse' }).click();
  await page.getByRole('heading', { level: 1, name: 'cluster1 → cluster0' }).waitFor(PATIENT);
  await page.getByRole('status').filter({ hasText: 'Ready to cut over.' }).waitFor(PATIENT);
  assert.deepEqual(faults, []);
});

test('with an API token, the page shows everything and changes nothing until a person types the token', {
  skip,
}, async () => {
  assert.ok(browser);
  using folder = temporaryFolder('sync-console');
  const file = join(folder.path, 'token');
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
  await using sync = await startSync(NOWHERE, ['--api-token-file', file]);
  await using watched = await openPage(browser, sync.url);
  const { page, context } = watched;
  await page.goto(sync.url);
  await page.getByRole('heading', { name: 'No migration runs in this process.' }).waitFor();
  assert.deepEqual(await page.getByRole('button').allTextContents(), ['Enter API token…']);
  await page.getByRole('button', { name: 'Enter API token…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('API token').fill(`${TOKEN.slice(1)}x`);
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').getByText('This is not the API token of this process.').waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  await dialog.getByLabel('API token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Start…' }).waitFor();
  // The page alone has the token: neither a cookie nor a storage of the browser keeps it.
  const kept = await page.evaluate('JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])');
  assert.equal(kept, '["",{},{}]');
  assert.deepEqual(await context.cookies(), []);
  await page.getByRole('button', { name: 'Start…' }).click();
  await dialog.getByRole('button', { name: 'Start' }).click();
  await dialog.getByRole('alert').getByText('127.0.0.1:1').first().waitFor(PATIENT);
  await page.reload();
  await page.getByRole('button', { name: 'Enter API token…' }).waitFor();
});

test('the page of linkspan sync fits a phone and has enough contrast in the dark', { skip }, async () => {
  assert.ok(browser);
  await using sync = await startSync(NOWHERE);
  for (const colours of ['light', 'dark'] as const) {
    await using watched = await openPage(browser, sync.url, { width: 390, height: 844, colours });
    await watched.page.goto(sync.url);
    await watched.page.getByRole('button', { name: 'Start…' }).click();
    assert.deepEqual(await violationsOf(watched), []);
    const tooWide = await watched.page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(Number(tooWide) <= 0, `${tooWide} pixels too wide`);
    assert.deepEqual(watched.faults, []);
  }
});
