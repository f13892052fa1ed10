import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { partsOfPage } from './page-part.ts';

const CALL = /new PagePart\(\s*'([^']+)',\s*'([^']+)'/g;

test('every command of docs/cut-over/when-a-cutover-fails.md and its sections is run by a test, for each way to run a migration', () => {
  const files = globSync('*.test.ts', { cwd: import.meta.dirname });
  const sources = files.map((file) => readFileSync(new URL(file, import.meta.url), 'utf8')).join('');
  const followed = [...sources.matchAll(CALL)].map(([, heading, face]) => `${heading}: ${face}`);
  const parts = partsOfPage();
  assert.ok(parts.length > 10);
  for (const { heading, faces } of parts) {
    // A section with commands for both needs one test of its own commands each.
    const missing = faces.filter((face) => !followed.includes(`${heading}: ${face}`));
    assert.deepEqual(missing, [], heading);
    assert.ok(
      followed.some((one) => one.startsWith(`${heading}: `)),
      heading,
    );
  }
});
