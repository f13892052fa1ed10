import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { UserError } from '../../src/platform/index.ts';
import type { ControlPlane } from '../atlas-api/control-plane.ts';
import { DESTINATION } from '../atlas-api/migration-world.ts';
import { openPage, type PageOptions, startBrowser, type WatchedPage } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { answerValidation, prepareShop } from './new-shop.ts';
import { MovedClock, play, playHome, SCENES } from './scenes.ts';
import { signIn, startWithConsole } from './started-console.ts';

const FOLDER = resolve(import.meta.dirname, '../../docs/images');

interface Shot {
  readonly file: string;
  /** A scene; absent for the list of migrations. */
  readonly scene?: string;
  /** Prepares another state than a scene. @returns the address of the page, after the server's */
  readonly prepare?: (plane: ControlPlane) => Promise<string>;
  readonly look?: PageOptions;
  /** Whether the charts need a past: the migration then continues for a while before the picture. */
  readonly isLive?: boolean;
  /** Actions and waits before the picture. */
  readonly before: (watched: WatchedPage) => Promise<unknown>;
}

const settled = ({ page }: WatchedPage) => page.locator('.chart svg').first().waitFor();

const SHOTS: readonly Shot[] = [
  {
    file: 'console-guide',
    look: { height: 560 },
    prepare: async (plane) => {
      const { json } = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'Shop', orgId: plane.orgId } });
      const body = { name: 'target', connectionStrings: { standard: DESTINATION } };
      await plane.api('POST', `/api/atlas/v2/groups/${json.id}/clusters`, { body });
      return '/';
    },
    before: ({ page }) => page.getByRole('button', { name: 'Issue link-token…' }).waitFor(),
  },
  {
    file: 'console-new-migration',
    look: { height: 1300 },
    prepare: async (plane) => {
      const findings = (['DESTINATION_KEPT', 'BLOCK_OWNER_UNSEEN'] as const).map((code) => {
        const { message, remedy } = new UserError(code);
        return { code, severity: 'WARNING', message, remedy };
      });
      const estimate = {
        ...{ collections: 41, documents: 310_482_117, bytes: 259e9, indexes: 112, indexBytes: 38e9, left: 0 },
        copy: { seconds: 8633, bytesPerSecond: 30e6, restsOn: 'ASSUMPTION' },
      };
      void answerValidation(await prepareShop(plane), { status: 'SUCCESS', errorMessage: null, findings, estimate });
      return '/#/new';
    },
    before: async ({ page }) => {
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.getByRole('button', { name: 'Start…' }).waitFor();
    },
  },
  {
    file: 'console-access',
    look: { height: 900 },
    prepare: async (plane) => {
      const org = `/api/atlas/v2/orgs/${plane.orgId}`;
      const { json } = await plane.api('POST', `${org}/apiKeys`, {
        body: { desc: 'Nightly report', roles: ['ORG_READ_ONLY'] },
      });
      const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'Shop', orgId: plane.orgId } });
      const list = [{ ipAddress: '192.0.2.7' }, { cidrBlock: '198.51.100.0/24' }];
      await plane.api('POST', `${org}/apiKeys/${json.id}/accessList`, { body: list });
      const roles = [{ roles: ['GROUP_CLUSTER_MANAGER'] }];
      await plane.api('POST', `/api/atlas/v2/groups/${group.json.id}/apiKeys/${json.id}`, { body: roles });
      return '/#/access';
    },
    before: async ({ page }) => {
      await page
        .getByRole('row')
        .filter({ hasText: 'Nightly report' })
        .getByRole('button', { name: 'Details' })
        .click();
      await page.getByText('198.51.100.0/24').waitFor();
      await page.getByText('GROUP_CLUSTER_MANAGER').waitFor();
    },
  },
  {
    file: 'console-audit',
    look: { height: 640 },
    prepare: async (plane) => {
      await prepareShop(plane);
      return '/#/audit';
    },
    before: ({ page }) => page.getByRole('row').filter({ hasText: 'LINK_TOKEN_CREATED' }).waitFor(),
  },
  { file: 'console-migrations', before: ({ page }) => page.getByText('39 min', { exact: true }).waitFor() },
  { file: 'console-migration', scene: 'verifying', look: { height: 1700 }, isLive: true, before: settled },
  {
    file: 'console-migration-dark',
    scene: 'copying',
    look: { height: 1700, colours: 'dark' },
    isLive: true,
    before: settled,
  },
  { file: 'console-narrow', scene: 'ready', look: { width: 390, height: 844 }, before: settled },
  {
    file: 'console-cut-over',
    scene: 'ready',
    before: async ({ page }) => {
      await page.getByRole('button', { name: 'Cut over…' }).click();
      await page.getByLabel('My applications are ready').check();
      await page.getByLabel('Type target to confirm').fill('target');
    },
  },
  { file: 'console-pause', scene: 'source blocked', look: { height: 520 }, before: settled },
  {
    file: 'console-report',
    scene: 'complete',
    look: { height: 1100 },
    before: ({ page }) => page.getByRole('heading', { name: 'Cutover report' }).waitFor(),
  },
];

/** Seconds of a past; an agent counts as lost after 25 s without a report. */
const PAST_SECONDS = 22;

/** Lets a migration continue: its lag falls, and changes come and go. */
async function goOn({ store }: ControlPlane): Promise<void> {
  for (let second = 0; second < PAST_SECONDS; second += 1) {
    const [migration] = await store.find('migrations', { isActive: true });
    if (!migration?.progress) return;
    const { changes } = migration.progress;
    const read = changes.read + 5200 + Math.round(900 * Math.sin(second / 2));
    const applied = Math.min(read - 200, changes.applied + 5900);
    const lagSeconds = Math.max(1, Math.round(9 - second / 2 + Math.sin(second)));
    const progress = {
      ...migration.progress,
      lagSeconds,
      changes: { ...changes, read, applied, queued: read - applied },
    };
    await store.write((transaction) => transaction.update('migrations', { ...migration, progress }));
    await setTimeout(1000);
  }
}

/** Takes one picture of the page in a scene of its own. */
async function take(
  browser: Browser,
  built: string,
  { file, scene: name, prepare, look, isLive = false, before }: Shot,
): Promise<void> {
  const clock = new MovedClock();
  await using plane = await startWithConsole(built, { clock });
  const scene = SCENES.find((each) => each.name === name);
  const path = await (prepare?.(plane) ?? (scene ? play(scene, plane, clock) : playHome(plane)));
  await using watched = await openPage(browser, plane.url, look);
  await watched.page.goto(plane.url + path);
  await signIn(watched, plane.publicKey, plane.privateKey);
  await before(watched);
  if (isLive) await goOn(plane);
  await watched.page.screenshot({ path: join(FOLDER, `${file}.png`), animations: 'disabled' });
}

/** `npm run docs:images`: takes the pictures of docs/migrate/console.md. */
async function main(): Promise<void> {
  using built = await buildConsole();
  const { browser, skip } = await startBrowser();
  if (!browser) throw new Error(String(skip));
  mkdirSync(FOLDER, { recursive: true });
  for (const shot of SHOTS) await take(browser, built.path, shot);
  await browser.close();
}

await main();
