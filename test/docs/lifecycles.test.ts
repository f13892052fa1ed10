import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lifecyclesDocument } from './lifecycles-document.ts';

test("docs/reference/lifecycles.md shows the engine's tables", () => {
  const written = lifecyclesDocument();
  assert.match(written, /^ {2}live --> quarantined: quarantined$/m);
  assert.match(written, /^ {2}blocked --> committed: committed$/m);
});
