import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer, registerStaticFiles } from '../../src/http/index.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('built files are served under a strict policy: hashed ones for ever, the page itself never from a cache', async () => {
  using folder = temporaryFolder('static');
  mkdirSync(join(folder.path, 'assets'));
  writeFileSync(join(folder.path, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder.path, 'assets/index-AbC12_-x.js'), 'let a = 1;\n'.repeat(100));
  await using app = createServer({ logger: silentLogger });
  registerStaticFiles(app, folder.path);

  const page = await app.inject({ url: '/' });
  assert.deepEqual([page.statusCode, page.body], [200, '<!doctype html>']);
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(page.headers['cache-control'], 'no-cache');
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /^default-src 'none'; script-src 'self'; /);
  assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
  assert.equal(page.headers['x-frame-options'], 'DENY');

  const script = await app.inject({ url: '/assets/index-AbC12_-x.js', headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(script.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.deepEqual([script.headers['content-encoding'], script.headers.vary], ['gzip', 'accept-encoding']);
  assert.ok(script.rawPayload.length < 200);
  const plain = await app.inject({ url: '/assets/index-AbC12_-x.js', headers: { 'accept-encoding': 'gzip;q=0' } });
  assert.ok(plain.headers['content-encoding'] === undefined && plain.body.startsWith('let a'));
  assert.equal((await app.inject({ method: 'HEAD', url: '/' })).statusCode, 200);

  for (const url of [
    '/assets',
    '/assets/other.js',
    '/index.html',
    '/assets/../../package.json',
    '/%2e%2e/package.json',
  ]) {
    const missing = await app.inject({ url });
    assert.deepEqual([missing.statusCode, missing.json().errorCode], [404, 'RESOURCE_NOT_FOUND'], url);
  }
  assert.equal((await app.inject({ method: 'POST', url: '/' })).statusCode, 404);
});

test('a file of an unknown type is refused at the start', () => {
  using folder = temporaryFolder('static');
  writeFileSync(join(folder.path, 'notes.doc'), '');
  assert.throws(() => registerStaticFiles(createServer({ logger: silentLogger }), folder.path), /no known type/);
});
