import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lifecyclesDocument, lifecyclesPage } from './lifecycles-document.ts';

test("docs/reference/lifecycles.md shows the engine's tables", () => {
  const written = readFileSync(lifecyclesPage, 'utf8');
  assert.equal(written, lifecyclesDocument(), 'run npm run docs:lifecycles');
  assert.match(written, /^ {2}live --> set_aside: set aside$/m);
  assert.match(written, /^ {2}blocked --> committed: committed$/m);
});
