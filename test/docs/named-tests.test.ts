import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FAILURES } from '../../src/engine/mongodb/failure-policy.ts';

const root = new URL('../../', import.meta.url);

/** Returns the names of all tests. A test inside a `describe` also counts with the suite's name before its own. */
function testNames(): Set<string> {
  const sources = globSync('test/**/*.test.ts', { cwd: root }).map((file) => readFileSync(new URL(file, root), 'utf8'));
  return new Set(
    sources.flatMap((source) => {
      const [suite] = namesOf(source, 'describe');
      const names = namesOf(source, 'test');
      return suite === undefined ? names : [...names, ...names.map((name) => `${suite} ${name}`)];
    }),
  );
}

function namesOf(source: string, call: 'describe' | 'test'): string[] {
  return [...source.matchAll(new RegExp(`\\b${call}\\(\\s*['"\`](.+)['"\`],`, 'g'))].map(([, name]) => name ?? '');
}

/** Returns the cells of a page's tables, without the headings. */
function rowsOf(page: string): string[][] {
  return readFileSync(new URL(`docs/${page}`, root), 'utf8')
    .split('\n')
    .filter((line) => /^\| (?!(#|what|code) )/.test(line))
    .map((line) =>
      line
        .slice(2, -2)
        .replaceAll(/<a id="[^"]*"><\/a>/g, '')
        .split(' | '),
    );
}

test('every test that docs/reference/pitfalls.md names exists, and every pitfall has its row', () => {
  const names = testNames();
  const numbers = new Set<number>();
  for (const [number = '', , , named = ''] of rowsOf('reference/pitfalls.md')) {
    assert.ok(named === '–' || names.has(named), `no test is called: ${named}`);
    for (const part of number.split(', ')) {
      const [first = 0, last = first] = part.split('–').map(Number);
      for (let n = first; n <= last; n += 1) numbers.add(n);
    }
  }
  assert.deepEqual(
    [...numbers].sort((a, b) => a - b),
    Array.from({ length: 57 }, (_, n) => n + 1),
  );
});

test('every feature of docs/plan/what-is-migrated.md names a test, and it exists', () => {
  const names = testNames();
  const rows = rowsOf('plan/what-is-migrated.md');
  assert.ok(rows.length > 30);
  for (const [what, , named = ''] of rows) assert.ok(names.has(named), `of "${what}", no test is called: ${named}`);
});

/** Rows of docs/operate/faults.md: faults have five cells, server errors three. */
const faultRows = (cells: number) => rowsOf('operate/faults.md').filter((row) => row.length === cells);

test('every fault of docs/operate/faults.md names tests that exist', () => {
  const names = testNames();
  const rows = faultRows(5);
  for (const [number, , , , named = ''] of rows)
    for (const name of named.split('<br>'))
      assert.ok(names.has(name), `of fault ${number}, no test is called: ${name}`);
  assert.deepEqual(
    rows.map(([number = '']) => number),
    [
      '7',
      '8',
      '11',
      '11b',
      '11c',
      '12',
      '12b',
      '12c',
      '12d',
      '12e',
      '12f',
      '12g',
      '12h',
      '13',
      '13b',
      '14',
      '15',
      '15b',
      '15c',
      '16',
      '16b',
      '16c',
      '16d',
      '16e',
      '17',
      '17b',
      '17c',
      '17d',
      '17e',
      '17f',
      '17g',
      '18',
      '18b',
      '19a',
      '19b',
      '20',
      '21a',
      '21b',
      '21c',
      '21d',
      '21e',
      '21f',
      '21g',
      '21h',
      '21i',
      '21j',
      '22',
      '22a',
      '22b',
      '22c',
      '22d',
      '22e',
      '22f',
      '23',
      '23a',
    ],
  );
});

test('every test that docs/secure/security-model.md names exists', () => {
  const names = testNames();
  const page = readFileSync(new URL('docs/secure/security-model.md', root), 'utf8');
  const [, threats = ''] = /## Threats\n(.*?)\n## /s.exec(page) ?? [];
  const named = [...threats.matchAll(/^\| (?!what ).* \| (.+) \|$/gm)].map(([, name = '']) => name);
  assert.ok(named.length >= 18);
  for (const name of named) assert.ok(names.has(name), `no test is called: ${name}`);
});

test('docs/operate/faults.md shows the current failure policy', () => {
  assert.deepEqual(
    faultRows(3),
    FAILURES.map(({ code, name, kind }) => [String(code), name, kind]),
  );
});
