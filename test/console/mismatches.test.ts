import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { listedMismatch } from '../atlas-api/listed-mismatch.ts';
import { start } from '../atlas-api/started-migration.ts';
import { violationsOf } from './axe.ts';
import { openPage, startBrowser } from './browser.ts';
import { buildConsole } from './built-console.ts';
import { reportMismatches } from './large-migration.ts';
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
  const started = await start(plane);
  const { groupId, id } = started;
  await reportMismatches(started, found, reported);
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
  return { ...watched, lines, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test('the download has every document that differed, one JSON object a line', { skip }, async () => {
  const found = 2_345;
  await using saved = await saveFile(found, found);
  const { lines, page, faults } = saved;
  const keys = lines.map((line) => JSON.parse(line).key);
  assert.deepEqual(
    keys,
    Array.from({ length: found }, (_, number) => listedMismatch(number).key),
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
