import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openPage, startBrowser } from '../console/browser.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A name of no real host: the browser gets every file out of the folder of the build. */
const ORIGIN = 'http://site.test';

const site = temporaryFolder('site');
await promisify(execFile)('npm', ['run', '--silent', 'docs:site', '--', '--outDir', site.path], { cwd: ROOT });
const { browser, skip } = await startBrowser();
after(async () => {
  await browser?.close();
  site[Symbol.dispose]();
});

const read = (file: string) => readFileSync(join(site.path, file), 'utf8');
const HTML = globSync('**/*.html', { cwd: site.path });
const MANUAL = globSync('docs/**/*.md', { cwd: ROOT });

/** The values of an attribute in a page. */
function valuesOf(html: string, attribute: string): string[] {
  const found = html.matchAll(new RegExp(`<[a-z][^>]*\\s${attribute}="([^"]*)"`, 'g'));
  return [...found].map(([, value = '']) => value.replaceAll('&amp;', '&'));
}

/** Returns the file of the site that a path of a URL names. */
const fileOf = (pathname: string) =>
  decodeURIComponent(pathname)
    .slice(1)
    .replace(/(^|\/)$/, '$1index.html');

test('every page of the manual is in the navigation of every page', () => {
  assert.ok(MANUAL.length > 60, `${MANUAL.length} pages`);
  const wanted = MANUAL.map((page) => page.replace(/\.md$/, '.html')).filter((page) => page !== 'docs/index.html');
  for (const file of ['docs/index.html', 'docs/plan/performance.html', 'docs/adr/0006-fence.html']) {
    const [, navigation = ''] = /<aside class="VPSidebar"(.*?)<\/aside>/s.exec(read(file)) ?? [];
    const linked = new Set(valuesOf(navigation, 'href').map(fileOf));
    assert.deepEqual(
      wanted.filter((page) => !linked.has(page)),
      [],
      file,
    );
  }
});

test('every link of the site leads to one of its files, and to an anchor there', () => {
  const ids = new Map(HTML.map((file) => [file, new Set(valuesOf(read(file), 'id'))]));
  let count = 0;
  const problems = HTML.flatMap((from) =>
    valuesOf(read(from), 'href').flatMap((href) => {
      const url = new URL(href, `${ORIGIN}/${from}`);
      if (url.origin !== ORIGIN) return [];
      count += 1;
      const file = fileOf(url.pathname);
      if (!existsSync(join(site.path, file))) return [`${from}: ${href} leads nowhere`];
      const anchor = decodeURIComponent(url.hash.slice(1));
      return anchor === '' || ids.get(file)?.has(anchor) ? [] : [`${from}: ${href} has no anchor`];
    }),
  );
  assert.ok(count > 1_000, `${count} links`);
  assert.deepEqual(problems, []);
});

test('the search finds a page by its words, and nothing asks a foreign host', { skip }, async () => {
  assert.ok(browser);
  await using watched = await openPage(browser, ORIGIN);
  const { page, faults } = watched;
  await page.route(`${ORIGIN}/**`, (route) =>
    route.fulfill({ path: join(site.path, fileOf(new URL(route.request().url()).pathname)) }),
  );
  await page.goto(`${ORIGIN}/docs/`);
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('MISSING_PRIVILEGE');
  await page.getByRole('option', { name: 'Plan a migration' }).first().click();
  await page.waitForURL(`${ORIGIN}/docs/plan/plan-a-migration.html*`);
  for (const path of ['/', '/docs/migrate/console.html']) await page.goto(ORIGIN + path);
  assert.deepEqual(faults, []);
});

test('the state diagrams of the lifecycles are pictures, with every state and every event', () => {
  const blocks = [
    ...readFileSync(join(ROOT, 'docs/reference/lifecycles.md'), 'utf8').matchAll(/```mermaid\n(.*?)```/gs),
  ];
  const pictures = read('docs/reference/lifecycles.html').match(/<figure class="state-diagram".*?<\/figure>/gs) ?? [];
  assert.equal(pictures.length, 3);
  for (const [at, [, block = '']] of blocks.entries()) {
    const picture: string = pictures[at] ?? '';
    const texts = picture.match(/(?<=<text[^>]*>)[^<]*(?=<\/text>)/g) ?? [];
    const shown = new Set(texts.map((text) => text.trim()));
    const arrows = [...block.matchAll(/ --> (\w+)(?:: (.+))?/g)];
    assert.ok(arrows.length > 5);
    const wanted = arrows.flatMap(([, to = '', events]) => [to.replaceAll('_', ' '), ...(events?.split(', ') ?? [])]);
    assert.deepEqual(
      wanted.filter((text) => !shown.has(text)),
      [],
    );
  }
  assert.doesNotMatch(HTML.map(read).join('\n'), /stateDiagram-v2|<svg[^>]*\sid=/);
});

test('no page and no stylesheet names an asset of a foreign host', () => {
  const styles = globSync('**/*.css', { cwd: site.path }).flatMap((file) =>
    [...read(file).matchAll(/(?:url\(|@import)\s*["']?([^"')\s]+)/g)].map(([, url = '']) => url),
  );
  const loaded = HTML.flatMap((file) => {
    const tags = read(file).match(/<(?:script|link|img|iframe|source|video|audio)\b[^>]*>/g) ?? [];
    return tags.flatMap((tag) => [...valuesOf(tag, 'src'), ...valuesOf(tag, 'href')]);
  });
  assert.ok(loaded.length > HTML.length);
  assert.deepEqual(
    [...styles, ...loaded].filter((url) => /^(?:\w+:)?\/\//.test(url)),
    [],
  );
});
