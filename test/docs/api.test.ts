import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { apiDocument } from './api-document.ts';

test('docs/reference/api.md describes all operations and schemas of the server, and no others', () => {
  const written = readFileSync(new URL('../../docs/reference/api.md', import.meta.url), 'utf8');
  assert.equal(written, apiDocument(), 'run npm run docs:api');
  assert.ok(written.includes('### POST /orgs/{orgId}/liveMigrations/linkTokens'));
});
