import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cutoverSchema } from './cutover-schema.ts';

test('docs/reference/cutover-report.schema.json is the schema of cutover reports', () => {
  const page = readFileSync(new URL('../../docs/reference/cutover-report.schema.json', import.meta.url), 'utf8');
  assert.equal(page, cutoverSchema(), 'run npm run docs:cutover-schema');
});
