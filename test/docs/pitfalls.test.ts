import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);

test('every test that docs/05-pitfalls.md names exists, and every pitfall has its row', () => {
  const sources = globSync('test/**/*.test.ts', { cwd: root }).map((file) => readFileSync(new URL(file, root), 'utf8'));
  const names = new Set(
    sources.flatMap((source) => [...source.matchAll(/test\(\s*['`](.+)['`],/g)].map(([, name]) => name)),
  );
  const rows = readFileSync(new URL('docs/05-pitfalls.md', root), 'utf8')
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map((line) => line.split(' | '));
  const numbers = new Set<number>();
  for (const [number = '', , , named = ''] of rows) {
    const test_ = named.replace(/ \|$/, '');
    assert.ok(test_ === '–' || names.has(test_), `no test is called: ${test_}`);
    for (const part of number.replace('| ', '').split(', ')) {
      const [first = 0, last = first] = part.split('–').map(Number);
      for (let n = first; n <= last; n += 1) numbers.add(n);
    }
  }
  assert.deepEqual(
    [...numbers].sort((a, b) => a - b),
    Array.from({ length: 57 }, (_, n) => n + 1),
  );
});
