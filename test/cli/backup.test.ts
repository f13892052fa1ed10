import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { AtlasClient } from '../support/atlas-client.ts';
import { type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const [PUBLIC, PRIVATE] = ['ownerkey', 'a-private-key-of-the-test'];
const ORG_ID = 'ab'.repeat(12);
const env = {
  LINKSPAN_LOG_LEVEL: 'warn',
  LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: PUBLIC,
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: PRIVATE,
  LINKSPAN_RATE_LIMITS: 'off',
};

const serve = (data: string) => runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', data], { env });

async function clientOf(server: LinkspanProcess): Promise<AtlasClient> {
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  return new AtlasClient(url, PUBLIC, PRIVATE);
}

async function run(...args: string[]): Promise<{ code: number | null; stderr: string }> {
  await using linkspan = runLinkspan(args);
  const { code } = await linkspan.exit;
  return { code, stderr: linkspan.stderr };
}

test('a backup of a busy server is consistent, complete and private, and a server can start from it', async () => {
  using folder = temporaryFolder('backup');
  const [data, file, other] = ['data', 'backup.db', 'other'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await using server = serve(data);
  const client = await clientOf(server);
  await client.send('POST', '/groups', { name: 'before', orgId: ORG_ID });
  let isOver = false;
  const made = run('backup', '--data-dir', data, '--file', file).finally(() => (isOver = true));
  for (let count = 0; !isOver; count += 1) await client.send('POST', '/groups', { name: `p${count}`, orgId: ORG_ID });
  assert.deepEqual(await made, { code: 0, stderr: `linkspan backup: ${data} is backed up in ${file}\n` });
  assert.equal(statSync(file).mode & 0o077, 0);
  assert.deepEqual(readdirSync(folder.path).sort(), ['backup.db', 'data'], 'nothing is left beside it');
  assert.match((await run('backup', '--data-dir', data, '--file', file)).stderr, /\[BACKUP_FAILED\]/);

  assert.equal((await run('restore', '--data-dir', other, '--file', file)).code, 0);
  copyFileSync(join(data, 'master.key'), join(other, 'master.key'));
  await using restored = serve(other);
  const { body } = await (await clientOf(restored)).send('GET', '/groups/byName/before');
  assert.equal(body.name, 'before');
  const again = await run('restore', '--data-dir', other, '--file', file);
  assert.deepEqual([again.code, /the file already exists/.test(again.stderr)], [2, true]);
  restored.kill('SIGTERM');
  await restored.exit;
  assert.equal((await run('audit', 'verify', '--data-dir', other)).code, 0);
});

test('a backup of a newer version and a file that is no backup are refused, and create nothing', async () => {
  using folder = temporaryFolder('backup');
  const newer = join(folder.path, 'newer.db');
  const database = new DatabaseSync(newer);
  database.exec('CREATE TABLE t (a); PRAGMA user_version = 99');
  database.close();
  const data = join(folder.path, 'data');
  mkdirSync(data);
  const tooNew = await run('restore', '--data-dir', data, '--file', newer);
  assert.deepEqual([tooNew.code, /\[STORE_TOO_NEW\]/.test(tooNew.stderr)], [2, true]);
  const none = await run('restore', '--data-dir', data, '--file', join(import.meta.dirname, 'backup.test.ts'));
  assert.deepEqual([none.code, /\[BACKUP_FAILED\]/.test(none.stderr)], [2, true]);
  assert.deepEqual(readdirSync(data), []);

  const good = join(folder.path, 'good.db');
  new DatabaseSync(good).close();
  writeFileSync(join(data, 'linkspan.db-wal'), 'of another store');
  const leftLog = await run('restore', '--data-dir', data, '--file', good);
  assert.deepEqual([leftLog.code, /log of another store/.test(leftLog.stderr)], [2, true]);
  assert.deepEqual(readdirSync(data), ['linkspan.db-wal']);
});
