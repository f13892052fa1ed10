import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';

const LINKSPAN = join(import.meta.dirname, '../../bin/linkspan');
const AGENT_STORE = new URL('../../src/agent/agent-store.ts', import.meta.url).href;

/** Runs a command while the folder is a disk of its own of so many kilobytes, of which some bytes are used. */
function runOnDisk(folder: string, kilobytes: number, usedBytes: number, command: readonly string[]): string {
  const script = `mount -t tmpfs -o size=${kilobytes}k tmpfs "$0" && head -c ${usedBytes} /dev/zero > "$0/used" && exec "$@"`;
  const unshared = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, folder, ...command];
  const env = {
    ...process.env,
    LINKSPAN_BOOTSTRAP_ORG_ID: 'ab'.repeat(12),
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'testerkey',
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-test',
  };
  const { stdout, stderr } = spawnSync('unshare', unshared, { encoding: 'utf8', env, timeout: 60_000 });
  return `${stdout}${stderr}`;
}

function whyNoDisk(): string | undefined {
  using folder = temporaryFolder('no-disk');
  return runOnDisk(folder.path, 4, 0, ['echo', 'mounted']) === 'mounted\n' ? undefined : 'no disk can be mounted here';
}

const skip = whyNoDisk() ?? false;

test('a server on a full disk names the disk, its path and the space that it needs', { skip }, () => {
  using folder = temporaryFolder('full-disk');
  const data = join(folder.path, 'data');
  const serve = [LINKSPAN, 'serve', '--listen', '127.0.0.1:0', '--data-dir', data];
  for (const kilobytes of [4, 16, 48, 96])
    assert.match(
      runOnDisk(folder.path, kilobytes, 0, serve),
      new RegExp(
        `^linkspan: The data directory ${data} cannot be used, because its disk is full: the file system at ${folder.path} has \\d+ kB free\\. Free at least 100 MB .*\\[DISK_FULL\\]$`,
        'm',
      ),
      `${kilobytes} kB`,
    );
});

test('an agent on a full disk names it, and does not advise to empty its directory', { skip }, () => {
  using folder = temporaryFolder('full-disk');
  const script = `const { AgentStore } = await import('${AGENT_STORE}');
    try { new AgentStore('${folder.path}').key(); } catch (error) { console.log(error.code, error.message, error.remedy); }`;
  const said = runOnDisk(folder.path, 8, 8_192, [process.execPath, '--input-type=module', '--eval', script]);
  assert.match(said, /^DISK_FULL .*the file system at \S+ has 0 kB free\. .*not damaged: keep them\./);
});
