import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('every curl example asks the Atlas API for an indented answer', () => {
  const blocks = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })].flatMap((page) =>
    [...readFileSync(`${ROOT}${page}`, 'utf8').matchAll(/^ *```\w*\n(.*?)^ *```$/gms)]
      .map(([, block = '']) => block)
      .filter((block) => /\bcurl\b/.test(block) && block.includes('/api/atlas/')),
  );
  assert.ok(blocks.length >= 4, `only ${blocks.length} examples were found`);
  assert.deepEqual(
    blocks.filter((block) => !/\/api\/atlas\/[^'"\s]*\?pretty=true/.test(block)),
    [],
  );
});
