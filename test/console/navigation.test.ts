import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ControlPlane } from '../atlas-api/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { violationsOf } from './axe.ts';
import { openPage, type PageOptions, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { signIn, startWithConsole } from './started-console.ts';

const built = await buildConsole();
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  built[Symbol.dispose]();
});

/** The entries of an owner, in their order. Each is the title of its page. */
const ENTRIES = ['Migrations', 'New migration', 'Projects', 'Agents', 'Access', 'Audit', 'About'];

async function open(plane: ControlPlane, key: readonly [string, string], look: PageOptions = {}) {
  assert.ok(browser);
  const watched = await openPage(browser, plane.url, look);
  await watched.page.goto(plane.url);
  await signIn(watched, ...key);
  const navigation = watched.page.getByRole('navigation', { name: 'Main' });
  await navigation.waitFor();
  return { watched, page: watched.page, navigation };
}

const ownKey = ({ publicKey, privateKey }: ControlPlane) => [publicKey, privateKey] as const;

test('an unknown address has a heading and leads to the migrations, and so does a migration that is not there', {
  skip,
}, async () => {
  await using plane = await startWithConsole(built.path);
  const { watched, page } = await open(plane, ownKey(plane), { width: 390, height: 844 });
  await using _watched = watched;
  const nowhere = '0'.repeat(24);
  for (const [address, title] of [
    ['nowhere', 'There is no such page.'],
    [`projects/${nowhere}/migrations/${nowhere}`, 'The migration is not shown.'],
  ] as const) {
    await page.goto(`${plane.url}/#/${address}`);
    await page.getByRole('heading', { level: 1, name: title }).waitFor();
    await eventually(async () => (await page.title()) === `${title} · Linkspan`, { what: `the title "${title}"` });
    assert.deepEqual(await violationsOf(watched), []);
    await page.getByRole('link', { name: 'All migrations' }).click();
    await page.getByRole('heading', { level: 1, name: 'Migrations', exact: true }).waitFor();
  }
});

const LOOKS: readonly PageOptions[] = [
  {},
  { colours: 'dark' },
  { width: 360, height: 780 },
  { width: 3840, height: 2160 },
];

for (const look of LOOKS) {
  const { width = 1280, colours = 'light' } = look;
  test(`the navigation leads to every page with the keyboard, at ${width} pixels in ${colours} colours`, {
    skip,
  }, async () => {
    await using plane = await startWithConsole(built.path);
    const { watched, page, navigation } = await open(plane, ownKey(plane), look);
    await using _watched = watched;
    assert.deepEqual(await navigation.getByRole('link').allTextContents(), ENTRIES);
    for (const name of ENTRIES) {
      await navigation.getByRole('link', { name }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await page.getByText(/^Updated /).waitFor();
      assert.equal(await page.title(), `${name} · Linkspan`);
      assert.deepEqual(await navigation.locator('[aria-current=page]').allTextContents(), [name]);
      const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.ok(Number(tooWide) <= 0, `${name}: ${tooWide} pixels too wide`);
      assert.deepEqual(await violationsOf(watched), [], name);
    }
    assert.deepEqual(watched.faults, []);
  });
}
