import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AtlasClient } from '../support/atlas-client.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const env = {
  LINKSPAN_BOOTSTRAP_ORG_ID: 'ab'.repeat(12),
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'testerkey',
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-test',
};
const prlimit = spawnSync('prlimit', ['--version']).error;

/**
 * Limits the process's file size: the kernel then refuses writes beyond it with EFBIG, which SQLite treats like EIO. The log goes to a pipe, which
 * has no limit.
 */
function failWritesBeyond(bytes: number, pid: number): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}`], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

test('a server whose disk fails reports it and stops; after a restart it has exactly what it acknowledged', {
  skip: prlimit && `prlimit: ${prlimit.message}`,
}, async () => {
  using folder = temporaryFolder('failing-disk');
  const serve = () => runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', folder.path], { env });
  const urlOf = async (server: ReturnType<typeof serve>) =>
    (await server.waitForLine(/^linkspan serve: ready at (\S+), data in /))[1] ?? '';
  const clientOf = async (server: ReturnType<typeof serve>) =>
    new AtlasClient(await urlOf(server), env.LINKSPAN_BOOTSTRAP_PUBLIC_KEY, env.LINKSPAN_BOOTSTRAP_PRIVATE_KEY);
  const groupOf = (name: string) => ({ name, orgId: env.LINKSPAN_BOOTSTRAP_ORG_ID });
  {
    await using server = serve();
    const client = await clientOf(server);
    assert.equal((await client.send('POST', '/groups', groupOf('kept'))).status, 201);
    failWritesBeyond(statSync(join(folder.path, 'linkspan.db-wal')).size, server.pid);
    const refused = await client.request('POST', '/groups', groupOf('lost'));
    assert.deepEqual([refused.status, refused.body.errorCode], [503, 'STORAGE_FAILED']);
    assert.match(String(refused.body.detail), /^The disk of the server has failed: disk I\/O error/);
    assert.deepEqual(await server.exit, { code: 1, signal: null });
    assert.match(server.stderr, /"the disk failed: the server stops"/);
  }
  await using again = serve();
  const { body } = await (await clientOf(again)).send<{ results: { name: string }[] }>('GET', '/groups');
  assert.deepEqual(
    body.results.map(({ name }) => name),
    ['kept'],
  );
});
