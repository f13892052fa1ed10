import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { BUILT } from './documents.ts';

checkForLeaks({ sockets: false });

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const [, quickStart = ''] = /\n## Quick start\n(.*?)\n## /s.exec(readme) ?? [];
const [, session = ''] = /```console\n(.*?)```/s.exec(quickStart) ?? [];

/** Replaces what differs between two runs: numbers, times, versions, addresses and sizes. */
const shapeOf = (line: string) => line.replaceAll(/\d[\d.,:]*(?: [kMG]?B\b)?/g, '#');

/** Checks that a command has shown the lines of the page, in their order. `…` stands for any lines, and for the end of a line. */
function expectShown(stdout: string, lines: readonly string[]): void {
  const shown = stdout.split('\n').map(shapeOf);
  let next = 0;
  let mayFollow = false;
  for (const line of lines) {
    if (line === '…') {
      mayFollow = true;
      continue;
    }
    const [begin = '', end] = shapeOf(line).split('…');
    const fits = (one: string) => (end === undefined ? one === begin : one.startsWith(begin));
    const found = shown.findIndex((one, index) => index >= next && fits(one));
    assert.ok(found === next || (mayFollow && found > next), `"${line}" is not shown there:\n${stdout}`);
    next = found + 1;
    mayFollow = false;
  }
}

test("the README's quick start moves all data, shows what the README shows, and leaves no file", async () => {
  using folder = temporaryFolder('readme');
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const shop = pair.source.client.db('shop');
  await shop.collection('orders').insertMany(Array.from({ length: 500 }, (_, n) => ({ customer: n % 7 })));
  await shop.collection('orders').createIndex({ customer: 1 });
  await shop.collection('customers').insertMany(Array.from({ length: 7 }, (_, n) => ({ name: `Customer ${n}` })));
  const PATH = `${join(ROOT, 'bin')}${delimiter}${process.env.PATH}`;
  const env = { ...process.env, HOME: folder.path, PATH, SOURCE: pair.source.uri, DESTINATION: pair.destination.uri };
  const [, ...typed] = session.split(/^\$ /m);
  assert.deepEqual(
    typed.map((one) => one.split(' ', 2).join(' ')),
    ['linkspan plan', 'linkspan sync', 'linkspan verify'],
  );
  for (const one of typed) {
    const [command = '', ...lines] = one.trimEnd().split('\n');
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: folder.path, env });
    expectShown(stdout, lines);
  }
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 507);
  assert.deepEqual(readdirSync(folder.path), []);
});

test('the quick start fits on a screen', () => {
  const [upToCompared = ''] = quickStart.split('\n`sync --once`');
  assert.ok(upToCompared.trim().split('\n').length <= 40);
});

/** Returns the files of the repository that a page links to. */
function linksOf(page: string): string[] {
  const text = BUILT[page]?.('') ?? readFileSync(join(ROOT, page), 'utf8');
  const links = text.matchAll(/\]\((?!\w+:)([^)#\s]+)/g);
  return [...links].map(([, path = '']) => normalize(join(dirname(page), path)));
}

test('every link of the README leads to a file of the repository', () => {
  const links = linksOf('README.md');
  assert.ok(links.length >= 20, `only ${links.length} links were found`);
  assert.deepEqual(
    links.filter((path) => !(path in BUILT || existsSync(join(ROOT, path)))),
    [],
  );
});

test('two clicks lead from the README to every page of the manual', () => {
  const first = linksOf('README.md');
  const second = first.filter((path) => path.endsWith('.md')).flatMap(linksOf);
  const reached = new Set([...first, ...second]);
  const pages = linksOf('docs/index.md');
  for (const page of ['get-started/faq', 'plan/limits-and-sizing', 'operate/upgrade', 'plan/supported-versions'])
    assert.ok(pages.includes(`docs/${page}.md`), page);
  assert.deepEqual(
    pages.filter((page) => !reached.has(page)),
    [],
  );
});
