import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { verificationSchema } from './verification-schema.ts';

test('docs/reference/verification-report.schema.json is the schema of reports', () => {
  const page = readFileSync(new URL('../../docs/reference/verification-report.schema.json', import.meta.url), 'utf8');
  assert.equal(page, verificationSchema(), 'run npm run docs:verification-schema');
});
