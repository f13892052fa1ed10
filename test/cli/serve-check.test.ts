import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function check(
  folder: string,
  ...more: string[]
): Promise<{ readonly code: number | null; readonly text: string }> {
  await using linkspan = runLinkspan(['serve', ...more, '--data-dir', join(folder, 'data'), 'check']);
  const { code } = await linkspan.exit;
  return { code, text: linkspan.stdout + linkspan.stderr };
}

test('linkspan serve check names insecure settings, and fails if anybody could use the server', async () => {
  using folder = temporaryFolder('serve-check');
  const fresh = await check(folder.path);
  assert.equal(fresh.code, 0, fresh.text);
  assert.match(fresh.text, /^ok {6}master key .*: the first start creates it$/m);
  assert.match(fresh.text, /^warning destinations: the server may connect to any address/m);
  {
    const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', join(folder.path, 'data')];
    await using server = runLinkspan(args);
    await server.waitForLine(/^linkspan serve: ready at /);
  }
  const started = await check(folder.path);
  assert.equal(started.code, 0, started.text);
  assert.match(started.text, /^warning master key .*: it is beside the store/m);
  assert.match(started.text, /^warning access lists: keys without an access list work from any address/m);

  const open = ['--listen', '0.0.0.0:8080', '--plain-http', 'anywhere', '--trusted-proxies', '0.0.0.0/0'];
  const loose = ['--link-token-hours', 'never', '--destination-users', 'fixed', '--rate-limits', 'off'];
  const worst = await check(folder.path, ...open, ...loose, '--public-url', 'http://control.example');
  assert.equal(worst.code, 2, worst.text);
  for (const subject of ['network', 'public URL', 'trusted proxies'])
    assert.match(worst.text, new RegExp(`^failed {2}${subject}: `, 'm'));
  for (const subject of ['link-tokens', 'users of migrations', 'limits'])
    assert.match(worst.text, new RegExp(`^warning ${subject}: `, 'm'));

  chmodSync(join(folder.path, 'data', 'master.key'), 0o644);
  const read = await check(folder.path);
  assert.equal(read.code, 2, read.text);
  assert.match(read.text, /^failed {2}master key /m);
});
