import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { installConsole } from './installed-console.ts';

test('linkspan serve prints where the console is, and serves it beside an unchanged API', async () => {
  await installConsole();
  using folder = temporaryFolder('serve-console');
  await using server = runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', folder.path]);
  const [, url = ''] = await server.waitForLine(/^linkspan serve: console at (\S+)\/$/);
  const page = await fetch(url);
  assert.match(await page.text(), /<title>Linkspan<\/title>/);
  assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
  for (const path of ['/home', '/assets/missing.js', '/src/console/main.tsx']) {
    const missing = await fetch(url + path, { headers: { accept: 'text/html' } });
    const { errorCode } = (await missing.json()) as { errorCode: string };
    assert.deepEqual([missing.status, errorCode], [404, 'RESOURCE_NOT_FOUND'], path);
  }
  const challenge = await fetch(`${url}/api/atlas/v2/orgs`);
  assert.match(challenge.headers.get('www-authenticate') ?? '', /^Digest /);
});
