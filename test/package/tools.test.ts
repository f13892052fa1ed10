import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('npm run package names the tools that the machine lacks before it builds anything, and continues', () => {
  using folder = temporaryFolder('no-tools');
  const tools = join(import.meta.dirname, '../../packaging/tools.ts');
  const env = { ...process.env, PATH: folder.path };
  const { status, stderr } = spawnSync(process.execPath, [tools], { encoding: 'utf8', env });
  assert.equal(status, 0, stderr);
  assert.equal(spawnSync(process.execPath, [tools, '--all'], { env }).status, 1, 'a release is refused');
  assert.match(stderr, /^dpkg-deb is missing, so no Debian package is made\. To have one, install it: /m);
  assert.match(stderr, /^rpmbuild is missing, so no RPM package is made\. .*rpm-build\.$/m);
});
