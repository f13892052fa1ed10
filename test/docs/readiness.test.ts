import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readinessDocument, readinessPage } from './readiness-document.ts';

test('docs/reference/readiness.md lists every gate of a cutover, and no others', () => {
  const written = readFileSync(readinessPage, 'utf8');
  assert.equal(written, readinessDocument(), 'run npm run docs:readiness');
  assert.match(written, /^\| `lag` \| .* \| yes \| seconds \|/m);
  assert.match(written, /^\| `transactions` \| .* \| no, advice \|/m);
});
