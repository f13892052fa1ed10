import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { verificationProgress } from '../../src/engine/report/verification-progress.ts';
import { listedMismatch } from '../atlas-api/listed-mismatch.ts';
import { progress } from '../atlas-api/migration-world.ts';
import { start } from '../atlas-api/started-migration.ts';
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

/** Opens the page of a migration in which so many documents differ, and saves their file. */
async function saveFile(found: number, reported: number) {
  assert.ok(browser);
  await using resources = new AsyncDisposableStack();
  const plane = resources.use(await startWithConsole(built.path));
  const { groupId, id, agent } = await start(plane);
  const all = Array.from({ length: found }, (_, number) => listedMismatch(number));
  const latest = all.slice(-10).reverse();
  const verification = { ...verificationProgress('REPORT'), mismatches: { found, open: found, latest } };
  for (let part = 0; part * 1_000 < reported; part += 1) {
    const changed = all.slice(part * 1_000, Math.min(reported, (part + 1) * 1_000));
    const mismatches = { series: 'a'.repeat(24), part, total: found, changed, removed: [] };
    const entry = { id, progress: progress(id, { state: 'FOLLOWING', verification }), lists: { mismatches } };
    await agent.report({ migrations: [entry] });
  }
  const watched = resources.use(await openPage(browser, plane.url));
  const { page } = watched;
  await page.goto(`${plane.url}/#/projects/${groupId}/migrations/${id}`);
  await signIn(watched, plane.publicKey, plane.privateKey);
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: `Download all ${found.toLocaleString('en-US')} as NDJSON` }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), `mismatches-${id}.ndjson`);
  const lines = readFileSync(await download.path(), 'utf8')
    .trimEnd()
    .split('\n');
  const kept = resources.move();
  return { ...watched, all, lines, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test('the download has every document that differed, one JSON object a line', { skip }, async () => {
  await using saved = await saveFile(2_345, 2_345);
  const { all, lines, page, faults } = saved;
  const keys = lines.map((line) => JSON.parse(line).key);
  assert.deepEqual(
    keys,
    all.map(({ key }) => key),
  );
  const { id: _, ...fields } = listedMismatch(7);
  assert.deepEqual(JSON.parse(lines[7] ?? ''), fields);
  await page.getByText('The latest 10 of 2,345:').waitFor();
  assert.deepEqual(await violationsOf(saved), []);
  assert.deepEqual(faults, []);
});

test('a download that lacks documents says how many', { skip }, async () => {
  await using saved = await saveFile(1_500, 700);
  assert.equal(saved.lines.length, 700);
  await saved.page.getByText('The file has 700 of 1,500 documents.').waitFor();
});
