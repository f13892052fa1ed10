import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readinessDocument } from './readiness-document.ts';

test('docs/reference/readiness.md lists gates that refuse a cutover, and advice', () => {
  const written = readinessDocument();
  assert.match(written, /^\| `LAG` \| .* \| yes \| seconds \|/m);
  assert.match(written, /^\| `TRANSACTIONS` \| .* \| no, advice \|/m);
});
