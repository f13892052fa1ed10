import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorCatalogue } from '../../src/platform/index.ts';
import { errorsDocument } from './errors-document.ts';
import { troubleshootingDocument } from './troubleshooting-document.ts';

test('docs/reference/errors.md lists every error of the catalogue, and no others', () => {
  const written = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');
  assert.equal(written, errorsDocument(), 'run npm run docs:errors');
});

test('docs/operate/troubleshooting.md explains every message of the catalogue, unchanged', () => {
  const written = readFileSync(new URL('../../docs/operate/troubleshooting.md', import.meta.url), 'utf8');
  assert.equal(written, troubleshootingDocument(), 'run npm run docs:troubleshooting');
});

test('every error has a detail and a remedy', () => {
  for (const [code, { detail, remedy, status }] of Object.entries(errorCatalogue)) {
    assert.match(code, /^[A-Z][A-Z0-9_]+$/);
    assert.ok(detail.length > 1 && remedy.length > 10, code);
    assert.ok(status >= 200 && status < 600, code);
  }
});
