import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FINDING_CODES } from '../../src/engine/index.ts';
import { findingsDocument } from './findings-document.ts';

test('docs/plan/plan-a-migration.md lists findings with their severity', () => {
  const written = findingsDocument('');
  assert.match(written, /^\| `DISK_TOO_SMALL` \| ERROR \| /m);
  assert.match(written, /^\| `OPLOG_SHORT` \| WARNING \| /m);
});

test('every finding has a test', () => {
  const root = new URL('../../', import.meta.url);
  const files = globSync('test/{engine,agent,sharded}/**/*.test.ts', { cwd: root });
  const tests = files.map((file) => readFileSync(new URL(file, root), 'utf8')).join();
  assert.deepEqual(
    FINDING_CODES.filter((code) => !tests.includes(`'${code}'`)),
    [],
  );
});
