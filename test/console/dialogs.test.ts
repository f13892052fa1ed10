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

/** The dialogs of each page, by the buttons that open them. */
const DIALOGS = {
  projects: ['Create project…', 'Register destination…', 'Rename…', 'Delete project…'],
  agents: ['Issue link-token…', 'End all links…'],
  access: [
    'Create API key…',
    'Create service account…',
    'Change roles…',
    'Delete…',
    'Add addresses…',
    'Remove…',
    'Create secret…',
  ],
  audit: ['Verify…'],
} as const;

const CUT_OFF = `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('dialog'))`;

for (const colours of ['light', 'dark'] as const) {
  test(`every dialog fits a phone in ${colours} colours, and has enough contrast there`, { skip }, async () => {
    assert.ok(browser);
    await using plane = await startWithConsole(built.path);
    await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'Shop', orgId: plane.orgId } });
    const org = `/api/atlas/v2/orgs/${plane.orgId}`;
    const robot = { name: 'robot', description: '', roles: ['ORG_MEMBER'], secretExpiresAfterHours: 48 };
    const { json } = await plane.api('POST', `${org}/serviceAccounts`, { body: robot });
    const list = [{ cidrBlock: '198.51.100.0/24' }];
    await plane.api('POST', `${org}/serviceAccounts/${json.clientId}/accessList`, { body: list });
    await using watched = await openPage(browser, plane.url, { width: 390, height: 844, colours });
    const { page, faults } = watched;
    await page.goto(plane.url);
    await signIn(watched, plane.publicKey, plane.privateKey);
    await page.getByText(/^Updated /).waitFor();
    for (const [name, buttons] of Object.entries(DIALOGS)) {
      await page.goto(`${plane.url}/#/${name}`);
      if (name === 'access') await page.getByRole('button', { name: 'Details' }).last().click();
      for (const button of buttons) {
        await page.getByRole('button', { name: button }).last().click();
        await page.getByRole('dialog').getByRole('heading', { level: 2 }).waitFor();
        assert.deepEqual(await violationsOf(watched), [], button);
        const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok(Number(tooWide) <= 0, `${button}: ${tooWide} pixels too wide`);
        const cutOff = await page.evaluate(CUT_OFF);
        assert.ok(Number(cutOff) <= 0, `${button}: ${cutOff} pixels of its text are cut off`);
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
      }
    }
    assert.deepEqual(faults, []);
  });
}
