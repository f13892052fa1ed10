import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FAILURES } from '../../src/engine/mongodb/failure-policy.ts';

const root = new URL('../../', import.meta.url);

/**
 * Returns the tests that a line `// id: …` names, each as `engine/run/kill.test.ts: killed-copy-resumes`. The test begins on the next line, and is not
 * skipped without a condition.
 */
function testsWithId(): string[] {
  return globSync('test/**/*.test.ts', { cwd: root }).flatMap((path) => {
    const source = readFileSync(new URL(path, root), 'utf8');
    assert.doesNotMatch(source, /\bdescribe\.(?:skip|todo)\(/, path);
    return [...source.matchAll(/^ *\/\/ id: (\S+)\n([^\n]*\btest\(.*?=>)?/gms)].map(([, id, head]) => {
      assert.ok(head && !/\b(?:skip|todo): *(?:true|['"`])/.test(head), `no test begins below id ${id} in ${path}`);
      return `${path.slice('test/'.length)}: ${id}`;
    });
  });
}

/** Returns the tests that the tables of a page name in their last column, where a cell is `file: id, id<br>file: id` or a dash. */
function testsIn(page: string): string[] {
  const text = readFileSync(new URL(`docs/${page}`, root), 'utf8');
  const rows = [...text.matchAll(/ tests? \|\n\|[-|]+\n((?:\|.*\n)+)/g)].flatMap(([, table = '']) =>
    table.trim().split('\n'),
  );
  const cells = rows.map((row) => row.slice(2, -2).split(' | ').at(-1) ?? '').filter((cell) => cell !== '–');
  return cells.flatMap((cell) =>
    cell.split('<br>').flatMap((part) => {
      const [file, ids = ''] = part.split(': ');
      return ids.split(', ').map((id) => `${file}: ${id}`);
    }),
  );
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

/** The pages that name tests, and how many they name at least. */
const NAMING = {
  'operate/faults.md': 170,
  'plan/probe.md': 7,
  'plan/what-is-migrated.md': 50,
  'reference/pitfalls.md': 45,
  'secure/security-model.md': 28,
};

test('every test that a page names by its id exists, and every id is named by a page', () => {
  const present = testsWithId();
  const named = Object.entries(NAMING).flatMap(([page, least]) => {
    const tests = testsIn(page);
    assert.ok(tests.length >= least, `${page} names ${tests.length} tests`);
    for (const name of tests) assert.ok(present.includes(name), `${page} names no test: ${name}`);
    return tests;
  });
  assert.deepEqual(present.toSorted(), [...new Set(named)].sort());
});

test('every pitfall has its row in docs/reference/pitfalls.md', () => {
  const numbers = new Set<number>();
  for (const [number = ''] of rowsOf('reference/pitfalls.md')) {
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

/** Rows of docs/operate/faults.md: faults have five cells, server errors three. */
const faultRows = (cells: number) => rowsOf('operate/faults.md').filter((row) => row.length === cells);

test('every fault has its row in docs/operate/faults.md', () => {
  assert.deepEqual(
    faultRows(5).map(([number = '']) => number),
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
      '17a',
      '17b',
      '17c',
      '17d',
      '17e',
      '17f',
      '17g',
      '17h',
      '17i',
      '17j',
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
      '21k',
      '22',
      '22a',
      '22aa',
      '22ab',
      '22ac',
      '22ad',
      '22ae',
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

test('docs/operate/faults.md shows the current failure policy', () => {
  assert.deepEqual(
    faultRows(3),
    FAILURES.map(({ code, name, kind }) => [String(code), name, kind]),
  );
});
