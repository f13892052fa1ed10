import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCatalogue } from '../../src/platform/index.ts';

test('every error has a detail and a remedy', () => {
  for (const [code, { detail, remedy, status }] of Object.entries(errorCatalogue)) {
    assert.match(code, /^[A-Z][A-Z0-9_]+$/);
    assert.ok(detail.length > 1 && remedy.length > 10, code);
    assert.ok(status >= 200 && status < 600, code);
  }
});
