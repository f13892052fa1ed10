import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ControlPlane } from '../atlas-api/control-plane.ts';
import { violationsOf } from './axe.ts';
import { openPage, startBrowser, type WatchedPage } from './browser.ts';
import { buildConsole, filesIn } from './built-console.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

/** Bytes of all files of the console that a browser loads, gzipped. */
const MOST_BYTES = 60_000;

test('the whole console has at most 60 kB when it is zipped', () => {
  const loaded = filesIn(built.path).filter((file) => !file.endsWith('licenses.txt'));
  const bytes = loaded.map((file) => gzipSync(readFileSync(file), { level: 9 }).length);
  const total = bytes.reduce((sum, each) => sum + each, 0);
  assert.ok(bytes.length >= 3);
  assert.ok(total <= MOST_BYTES, `${total} bytes`);
});

async function open(plane: ControlPlane, options = {}): Promise<WatchedPage> {
  assert.ok(browser);
  const watched = await openPage(browser, plane.url, options);
  await watched.page.goto(plane.url);
  return watched;
}

test('a person signs in with the keyboard, stays signed in after a reload, and signs out', { skip }, async () => {
  await using plane = await startWithConsole(built.path);
  await using watched = await open(plane);
  const { page, context } = watched;
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  await page.keyboard.press('Tab');
  await page.keyboard.type(plane.publicKey);
  await page.keyboard.press('Tab');
  await page.keyboard.type(plane.privateKey);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Migrations' }).waitFor();
  await page.getByText('No migration yet.').waitFor();
  assert.deepEqual(await violationsOf(watched), []);

  await page.reload();
  await page.getByText('No migration yet.').waitFor();
  const kept = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])');
  assert.equal(kept, '[{},{},""]', 'no script can read the session');
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict']);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.deepEqual(watched.faults, []);
});

test('a wrong key is refused in words, and clears only the secret', { skip }, async () => {
  await using plane = await startWithConsole(built.path);
  await using watched = await open(plane);
  await signIn(watched, plane.publicKey, 'wrong');
  await watched.page.getByRole('alert').getByText('The key or its secret is wrong.').waitFor();
  assert.deepEqual(await violationsOf(watched), []);
  assert.equal(await watched.page.getByLabel('Public key or client id').inputValue(), plane.publicKey);
  assert.equal(await watched.page.getByLabel('Private key or secret').inputValue(), '');
});

test('a page whose key is deleted returns to the sign-in by itself, and says why', { skip }, async () => {
  await using plane = await startWithConsole(built.path);
  const keys = `/api/atlas/v2/orgs/${plane.orgId}/apiKeys`;
  const made = await plane.api('POST', keys, { body: { desc: 'second', roles: ['ORG_MEMBER'] } });
  await using watched = await open(plane);
  await signIn(watched, String(made.json.publicKey), String(made.json.privateKey));
  await watched.page.getByText('No migration yet.').waitFor();
  await plane.api('DELETE', `${keys}/${String(made.json.id)}`);
  await watched.page.getByText('Your session has ended. Sign in again.').waitFor();
});

test('a sign-in link opens the console once, and leaves the address', { skip }, async () => {
  await using plane = await startWithConsole(built.path);
  assert.ok(browser);
  const link = `${plane.url}/#/link/${await plane.signInLinks.issue()}`;
  for (const [nth, shown] of [
    ['first', 'No migration yet.'],
    ['second', 'This link has been used, or is older than 10 minutes.'],
  ] as const) {
    await using watched = await openPage(browser, plane.url);
    const { page } = watched;
    await page.goto(link);
    await page.getByText(shown).waitFor();
    assert.equal(page.url(), `${plane.url}/#/`, nth);
    assert.deepEqual(await violationsOf(watched), [], nth);
    await page.reload();
    await page.getByRole('heading', { name: nth === 'first' ? 'Migrations' : 'Sign in' }).waitFor();
  }
});
