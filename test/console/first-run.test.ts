import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { MongoClient } from 'mongodb';
import type { Page } from 'playwright-core';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { spawnTracked } from '../support/child-processes.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openPage, startBrowser } from './browser.ts';
import { installConsole } from './installed-console.ts';

await installConsole();
const { browser, skip } = await startBrowser();
after(() => browser?.close());

const PATIENT = { timeout: 120_000 };
const BIN = resolve(import.meta.dirname, '../../bin');

/** Starts the agent as the page says, in the folder of its `agent.yaml`. */
function runInShell(command: string, cwd: string): AsyncDisposable {
  const path = `${BIN}:${process.env.PATH}`;
  const env = { ...process.env, PATH: path };
  const child = spawnTracked('linkspan agent', 'sh', ['-c', command], { cwd, env, stdio: 'ignore', detached: true });
  const ended = once(child, 'close');
  return {
    [Symbol.asyncDispose]: async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}

/** Where an application can write at this moment: it tries to insert a document on each side. */
async function writable({ source, destination }: ReplicaSetPair) {
  const canWrite = async (set: ReplicaSet) => {
    await using client = new MongoClient(set.uriFor('app', 'secret'));
    const inserted = client.db('shop').collection('written').insertOne({ at: new Date() });
    return await inserted.then(
      () => true,
      (error) => {
        assert.match(String(error), /user writes blocked/i);
        return false;
      },
    );
  };
  return { source: await canWrite(source), destination: await canWrite(destination) };
}

/** Slows the marks in the oplog of the cluster that users leave, so that a reader sees the write pause. */
const SLOW_MARKS = {
  mode: 'alwaysOn',
  data: { failCommands: ['appendOplogNote'], blockConnection: true, blockTimeMS: 1_000 },
} as const;

/** Cuts over by the dialog, and watches the pause until its end. */
async function cutOver(page: Page, from: ReplicaSet, names: { readonly from: string; readonly to: string }) {
  await page.getByRole('status').filter({ hasText: 'Ready to cut over.' }).waitFor(PATIENT);
  await page.getByRole('button', { name: 'Cut over…' }).click();
  const dialog = page.getByRole('dialog', { name: `Cut over from ${names.from} to ${names.to}` });
  await dialog.getByLabel('My applications are ready').check();
  await dialog.getByLabel(`Type ${names.to} to confirm`).fill(names.to);
  // A source that is slow before the request would not be ready.
  const requested = page.waitForResponse((answer) => answer.url().endsWith('/cutover') && answer.ok());
  await dialog.getByRole('button', { name: 'Stop writes and cut over' }).click();
  await requested;
  await from.failCommand(SLOW_MARKS);
  await page.getByRole('heading', { name: `Writes to ${names.from} are stopped` }).waitFor(PATIENT);
  await page.getByRole('button', { name: 'Abort' }).waitFor();
  await from.clearFailPoints();
  await page
    .getByRole('status')
    .filter({ hasText: `Complete. ${names.to} has all data` })
    .waitFor(PATIENT);
  await page.getByRole('heading', { name: 'Cutover report' }).waitFor();
}

test('a person leads users to another cluster and back, with nothing but the page and the command that it shows', {
  skip,
}, async () => {
  assert.ok(browser);
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client
    .db('shop')
    .collection('orders')
    .insertMany(numbered(2000, { text: 'x'.repeat(200) }));
  const users = await reversibleUsers(pair);
  for (const set of [pair.source, pair.destination]) await set.createUser('app', 'secret', ['readWriteAnyDatabase']);
  using folder = temporaryFolder('first-run');
  const configuration = {
    host: 'mover',
    dataDir: join(folder.path, 'agent'),
    allowedDestinations: ['127.0.0.0/8'],
    projects: [
      { id: '0123456789abcdef01234567', name: 'Shop', deployments: [{ name: 'orders', uri: users.source.uri }] },
    ],
  };
  writeFileSync(join(folder.path, 'agent.yaml'), JSON.stringify(configuration), { mode: 0o600 }); // JSON is YAML.
  await using server = runLinkspan([
    'serve',
    ...['--listen', '127.0.0.1:0', '--data-dir', join(folder.path, 'data'), '--sign-in-link'],
  ]);
  const [link = '', url = ''] = await server.waitForLine(/^(http:\/\/\S+)\/#\/link\/\S+$/);

  await using watched = await openPage(browser, url);
  const { page, faults } = watched;
  await page.goto(link);
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Create project…' }).click();
  await dialog.getByLabel('Name').fill('New home');
  await dialog.getByRole('button', { name: 'Create project' }).click();
  await page.getByRole('button', { name: 'Register destination…' }).click();
  await dialog.getByLabel('Name of the cluster').fill('target');
  await dialog.getByLabel('Connection string').fill(pair.destination.uri);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Issue link-token…' }).click();
  await dialog.getByRole('button', { name: 'Issue link-token' }).click();
  const command = await dialog.locator('code').filter({ hasText: 'linkspan agent' }).textContent();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await using _agent = runInShell(String(command), folder.path);

  await page.getByRole('link', { name: 'New migration' }).last().click(PATIENT);
  await page.getByLabel('Keep a failback').check();
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await page.getByText('Both sides are ready for this migration.').waitFor(PATIENT);
  await page.getByText('2,000 documents in 1 collection').waitFor();
  await page.getByText(/^about .+ at .+: an assumption, because/).waitFor();
  await page.getByRole('button', { name: 'Start…' }).click();
  await dialog.getByRole('button', { name: 'Start' }).click();

  await cutOver(page, pair.source, { from: 'orders', to: 'target' });
  assert.deepEqual(await writable(pair), { source: false, destination: true });
  await page.getByRole('button', { name: 'Reverse…', disabled: false }).click(PATIENT);
  await dialog.getByRole('button', { name: 'Reverse' }).click();

  await cutOver(page, pair.destination, { from: 'target', to: 'orders' });
  assert.deepEqual(await writable(pair), { source: true, destination: false });
  assert.equal(await pair.source.client.db('shop').collection('written').countDocuments(), 2);
  await eventually(
    async () => (await compareClusters(pair.source.client, pair.destination.client)).differences.length === 0,
    {
      what: 'both sides to be identical',
    },
  );
  assert.deepEqual(faults, []);
});
