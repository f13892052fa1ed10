import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { type ControlPlane, startControlPlane } from '../../demo/control-plane.ts';
import { demoData } from '../../demo/data.ts';
import { requestLinkToken } from '../../demo/link-token.ts';
import { startLiveLoad } from '../../demo/live-load.ts';
import { LiveMigration } from '../../demo/live-migration.ts';
import { loadData } from '../../demo/load-data.ts';
import { startAgent } from '../../demo/start-agent.ts';
import { startClusters } from '../../demo/start-clusters.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openPage, type PageOptions, startBrowser, type WatchedPage } from './browser.ts';
import { installConsole } from './installed-console.ts';
import { signIn } from './started-console.ts';

const FOLDER = resolve(import.meta.dirname, '../../docs/images');
/** For the charts, which show what has happened since the page was opened. */
const SETTLED_MS = 20_000;

/** Opens the console as its owner. */
async function openConsole(browser: Browser, { organization }: ControlPlane, look?: PageOptions): Promise<WatchedPage> {
  const watched = await openPage(browser, organization.url, look);
  await watched.page.goto(organization.url);
  await signIn(watched, organization.publicKey, organization.privateKey);
  return watched;
}

async function take({ page }: WatchedPage, name: string): Promise<void> {
  await page.screenshot({ path: join(FOLDER, `console-${name}.png`), animations: 'disabled' });
}

async function show({ page }: WatchedPage, heading: string, height: number): Promise<void> {
  await page.setViewportSize({ width: 1280, height });
  await page.getByRole('navigation').getByRole('link', { name: heading, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
}

/** The pages before the migration, with a destination and, from the link-token on, an agent. */
async function takeFirstPages(watched: WatchedPage, linkAgent: () => Promise<AsyncDisposable>) {
  const { page } = watched;
  await show(watched, 'Migrations', 560);
  await page.getByRole('button', { name: 'Issue link-token…' }).waitFor();
  await take(watched, 'guide');
  const agent = await linkAgent();
  await show(watched, 'New migration', 1300);
  await page.getByLabel('Keep a failback').check();
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await page.getByRole('button', { name: 'Start…' }).waitFor();
  await take(watched, 'new-migration');
  return agent;
}

/** The page of the migration from the copy to the report. */
async function takeMigration(browser: Browser, plane: ControlPlane, watched: WatchedPage, migration: LiveMigration) {
  const { page } = watched;
  await using dark = await openConsole(browser, plane, { height: 1700, colours: 'dark' });
  for (const { page: each } of [watched, dark]) await each.getByRole('link', { name: 'demo → destination' }).click();
  await dark.page.getByRole('status').filter({ hasText: 'Copying.' }).waitFor();
  await dark.page.waitForTimeout(SETTLED_MS);
  await take(dark, 'migration-dark');

  await page.setViewportSize({ width: 1280, height: 1700 });
  await page.getByRole('status').filter({ hasText: 'Ready to cut over.' }).waitFor({ timeout: 600_000 });
  await page.waitForTimeout(SETTLED_MS);
  await take(watched, 'migration');
  await using phone = await openConsole(browser, plane, { width: 390, height: 844 });
  await phone.page.getByRole('link', { name: 'demo → destination' }).click();
  await phone.page.getByText('Can I cut over?').waitFor();
  await take(phone, 'narrow');

  await page.setViewportSize({ width: 1280, height: 1100 });
  await page.getByRole('button', { name: 'Cut over…' }).click();
  await page.getByLabel('My applications are ready').check();
  await page.getByLabel('Type destination to confirm').fill('destination');
  await take(watched, 'cut-over');
  await page.getByRole('button', { name: 'Stop writes and cut over' }).click();
  await migration.until('complete', ({ status }) => status === 'COMPLETE');
  await page.setViewportSize({ width: 1280, height: 1300 });
  await page.getByRole('heading', { name: 'Cutover report' }).waitFor();
  await take(watched, 'report');
}

/** The pages that have something to show afterwards. */
async function takeLastPages(watched: WatchedPage, { organization }: ControlPlane): Promise<void> {
  const { page } = watched;
  await show(watched, 'Migrations', 420);
  await page.getByText('Complete').waitFor();
  await take(watched, 'migrations');
  await show(watched, 'Access', 640);
  await page
    .getByRole('row')
    .filter({ hasText: organization.publicKey })
    .getByRole('button', { name: 'Details' })
    .click();
  await page.getByText('It may be used from anywhere.').waitFor();
  await page.getByRole('table', { name: /^Roles of / }).waitFor();
  await take(watched, 'access');
  await show(watched, 'Audit', 900);
  await page.getByRole('row').filter({ hasText: 'LIVE_MIGRATION_COMPLETE' }).waitFor();
  await take(watched, 'audit');
}

/** `npm run docs:images`: takes the pictures of docs/migrate/console.md while a real migration runs, the demonstration's. */
async function main(): Promise<void> {
  await installConsole();
  const { browser, skip } = await startBrowser();
  if (!browser) throw new Error(String(skip));
  mkdirSync(FOLDER, { recursive: true });
  using folder = temporaryFolder('pictures');
  await using clusters = await startClusters();
  const data = demoData();
  await loadData(clusters.source.client, data);
  await using plane = await startControlPlane(folder.path);
  const { organization } = plane;
  const migration = new LiveMigration(organization);
  await migration.register(clusters.migrationUri.destination);
  await using watched = await openConsole(browser, plane);
  await using _agent = await takeFirstPages(watched, async () => {
    const token = await requestLinkToken(organization, '127.0.0.1');
    const agent = await startAgent(folder.path, token, clusters.migrationUri.source);
    await migration.available();
    return agent;
  });
  await using load = await startLiveLoad(clusters, data);
  await migration.start();
  await show(watched, 'Migrations', 420);
  await takeMigration(browser, plane, watched, migration);
  await load.stop();
  await takeLastPages(watched, plane);
  await browser.close();
}

await main();
