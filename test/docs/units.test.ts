import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const COMMENT = /^\s*(\*|\/\/|\/\*)/;

// Limits that are powers of two have MiB in comments and in the manual.
test('every size that Linkspan shows is in MB and its multiples of a thousand, none in MiB', () => {
  const found = globSync('src/**/*.{ts,tsx}').flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, at) => (/\b[KMGT]iB\b/.test(line) && !COMMENT.test(line) ? [`${file}:${at + 1}: ${line}`] : [])),
  );
  assert.deepEqual(found, []);
});
