import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findingsDocument, findingsPage } from './findings-document.ts';

test('docs/11-plan.md has every finding with severity, meaning and remedy, and no others', () => {
  const written = readFileSync(findingsPage, 'utf8');
  assert.equal(written, findingsDocument(), 'run npm run docs:findings');
  assert.match(written, /^\| `DISK_TOO_SMALL` \| error \| /m);
  assert.match(written, /^\| `OPLOG_SHORT` \| warning \| /m);
});
