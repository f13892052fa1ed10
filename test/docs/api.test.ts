import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiDocument } from './api-document.ts';

test('docs/reference/api.md describes the operations of the server', () => {
  assert.ok(apiDocument().includes('### POST /orgs/{orgId}/liveMigrations/linkTokens'));
});
