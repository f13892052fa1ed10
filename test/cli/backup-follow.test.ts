import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { AtlasClient } from '../support/atlas-client.ts';
import { eventually } from '../support/eventually.ts';
import { type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const [PUBLIC, PRIVATE] = ['ownerkey', 'a-private-key-of-the-test'];
const ORG_ID = 'ab'.repeat(12);
const env = {
  LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: PUBLIC,
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: PRIVATE,
};

const serve = (data: string) => runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', data], { env });

async function clientOf(server: LinkspanProcess): Promise<AtlasClient> {
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  return new AtlasClient(url, PUBLIC, PRIVATE);
}

const addGroup = async (client: AtlasClient, name: string) =>
  await client.send('POST', '/groups', { name, orgId: ORG_ID });

/** Names of the projects in a backup. */
function groupsIn(file: string): unknown[] {
  using database = new DatabaseSync(file, { readOnly: true });
  return database
    .prepare('SELECT name FROM groups ORDER BY name')
    .all()
    .map(({ name }) => name);
}

const untilCopied = (file: string, expected: readonly string[]) =>
  eventually(() => groupsIn(file).join() === expected.join(), { what: `a copy with ${expected}` });

test('a followed backup has each change soon, and a server of another host continues from it', async () => {
  using folder = temporaryFolder('backup-follow');
  const [data = '', shared = '', other = ''] = ['data', 'shared', 'other'].map((name) => join(folder.path, name));
  mkdirSync(shared);
  const file = join(shared, 'linkspan.db');
  await using server = serve(data);
  const client = await clientOf(server);
  await addGroup(client, 'a');
  await using backup = runLinkspan(['backup', '--data-dir', data, '--file', file, '--follow', '--every', '1']);
  await backup.waitForLine(/is backed up in .*, and again after each change/);
  await untilCopied(file, ['a']);
  await addGroup(client, 'b');
  await untilCopied(file, ['a', 'b']);
  assert.equal(statSync(file).mode & 0o077, 0);

  // The host is lost, with its data directory; the master key is kept elsewhere.
  copyFileSync(join(data, 'master.key'), join(folder.path, 'master.key'));
  server.kill('SIGKILL');
  await server.exit;
  backup.kill('SIGTERM');
  assert.equal((await backup.exit).code, 0, backup.stderr);
  assert.deepEqual(readdirSync(shared), ['linkspan.db'], 'nothing is left beside it');
  rmSync(data, { recursive: true });
  await using restore = runLinkspan(['restore', '--data-dir', other, '--file', file]);
  assert.equal((await restore.exit).code, 0, restore.stderr);
  renameSync(join(folder.path, 'master.key'), join(other, 'master.key'));
  await using successor = serve(other);
  const { body } = await (await clientOf(successor)).send('GET', '/groups/byName/b');
  assert.equal(body.name, 'b');
});

test('a followed backup outlasts a place that takes no copy, and keeps the copy before', async () => {
  using folder = temporaryFolder('backup-follow');
  const [data = '', shared = ''] = ['data', 'shared'].map((name) => join(folder.path, name));
  mkdirSync(shared);
  const file = join(shared, 'linkspan.db');
  await using server = serve(data);
  const client = await clientOf(server);
  await addGroup(client, 'a');
  await using backup = runLinkspan([
    'backup',
    '--data-dir',
    data,
    '--file',
    file,
    '--follow',
    '--every',
    '1',
    '-o',
    'json',
  ]);
  await backup.waitForLine(/again after each change/);
  renameSync(shared, `${shared}-away`);
  await addGroup(client, 'b');
  await backup.waitForLine(/The copy before stays; trying again/);
  assert.deepEqual(groupsIn(join(`${shared}-away`, 'linkspan.db')), ['a']);
  renameSync(`${shared}-away`, shared);
  await untilCopied(file, ['a', 'b']);
  await addGroup(client, 'c');
  backup.kill('SIGINT');
  assert.equal((await backup.exit).code, 0, backup.stderr);
  assert.deepEqual(groupsIn(file), ['a', 'b', 'c'], 'a last copy has everything');
  assert.ok(JSON.parse(backup.stdout).copies >= 3, backup.stdout);
});

test('a followed backup replaces no other file', async () => {
  using folder = temporaryFolder('backup-follow');
  const data = join(folder.path, 'data');
  await using server = serve(data);
  await clientOf(server);
  const other = join(folder.path, 'notes.txt');
  writeFileSync(other, 'not a backup');
  const empty = join(folder.path, 'empty.db');
  new DatabaseSync(empty).close();
  chmodSync(empty, 0o600);
  for (const file of [other, empty]) {
    await using backup = runLinkspan(['backup', '--data-dir', data, '--file', file, '--follow']);
    assert.equal((await backup.exit).code, 2);
    assert.match(backup.stderr, /the file exists, and is no backup.*\[BACKUP_FAILED\]/s);
  }
  assert.equal(statSync(other).size, 12);
});
