import assert from 'node:assert/strict';
import { copyFileSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AtlasClient } from '../support/atlas-client.ts';
import { expectHookReached, type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const OWNER = ['ownerkey', 'a-private-key-of-the-test'] as const;
const ORG_ID = 'ab'.repeat(12);
const ENV = {
  LINKSPAN_LOG_LEVEL: 'warn',
  LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: OWNER[0],
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: OWNER[1],
  LINKSPAN_RATE_LIMITS: 'off',
};
/** More values than one transaction reseals. */
const KEYS = 60;

interface Setup {
  readonly folder: TemporaryFolder;
  readonly keyFile: string;
  readonly serve: (hook?: string) => LinkspanProcess;
  readonly rotate: (hook?: string) => LinkspanProcess;
}

function setUp(folder: TemporaryFolder): Setup {
  const data = join(folder.path, 'data');
  const run = (args: string[], hook?: string) => runLinkspan([...args, '--data-dir', data], { env: ENV, hook });
  return {
    folder,
    keyFile: join(data, 'master.key'),
    serve: (hook) => run(['serve', '--listen', '127.0.0.1:0'], hook),
    rotate: (hook) => run(['keys', 'rotate'], hook),
  };
}

async function clientOf(server: LinkspanProcess, key: readonly [string, string] = OWNER): Promise<AtlasClient> {
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  return new AtlasClient(url, ...key);
}

async function makeKey(client: AtlasClient): Promise<readonly [string, string]> {
  const body = { desc: 'd', roles: ['ORG_MEMBER'] };
  const { publicKey, privateKey } = (await client.send('POST', `/orgs/${ORG_ID}/apiKeys`, body)).body;
  return [String(publicKey), String(privateKey)];
}

async function makeKeys(client: AtlasClient): Promise<(readonly [string, string])[]> {
  const made = [];
  for (let count = 0; count < KEYS; count += 1) made.push(await makeKey(client));
  return made;
}

/** The files of keys that were rotated out. */
const formerOf = (keyFile: string) =>
  globSync(`${keyFile}.former-*`).map((file) => {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    return file;
  });
const keysIn = (file: string) => readFileSync(file, 'utf8').trim().split('\n');

async function end(server: LinkspanProcess): Promise<void> {
  server.kill('SIGTERM');
  assert.equal((await server.exit).code, 0, server.stderr);
}

test('the master key is rotated while the server runs: clients see no error, and the old key opens nothing any more', async () => {
  using folder = temporaryFolder('keys');
  const { keyFile, serve, rotate } = setUp(folder);
  const former = join(folder.path, 'former.key');
  let keys: (readonly [string, string])[] = [];
  {
    await using server = serve();
    const client = await clientOf(server);
    keys = await makeKeys(client);
    copyFileSync(keyFile, former);
    await using rotation = rotate();
    let isOver = false;
    void rotation.exit.then(() => (isOver = true));
    // Keys created during the rotation are sealed with the old or the new key.
    while (!isOver) keys.push(await makeKey(client));
    assert.equal((await rotation.exit).code, 0, rotation.stderr);
    assert.equal(keysIn(keyFile).length, 1);
    assert.notDeepEqual(keysIn(keyFile), keysIn(former));
    await end(server);
  }
  await using server = serve();
  await clientOf(server);
  for (const key of [OWNER, ...keys.slice(0, 2), ...keys.slice(-2)]) {
    await (await clientOf(server, key)).send('GET', `/orgs/${ORG_ID}`);
  }
  await end(server);
  const now = readFileSync(keyFile);
  copyFileSync(former, keyFile);
  await using wrong = serve();
  assert.equal((await wrong.exit).code, 2);
  assert.match(wrong.stderr, /\[MASTER_KEY_UNUSABLE\]/);
  assert.notDeepEqual(readFileSync(keyFile), now);
});

test('a rotation of the master key that is killed at any point continues with the same command, and loses nothing', async () => {
  for (const hook of ['cli.keys.added', 'control.reseal.batch', 'cli.keys.resealed']) {
    using folder = temporaryFolder('keys');
    const { keyFile, serve, rotate } = setUp(folder);
    let key = OWNER as readonly [string, string];
    {
      await using server = serve();
      [key] = (await makeKeys(await clientOf(server))) as [readonly [string, string]];
      await end(server);
    }
    const former = keysIn(keyFile);
    await using killed = rotate(`${hook}=kill`);
    await expectHookReached(killed);
    assert.deepEqual(keysIn(keyFile).slice(1), former, hook);
    {
      // Between the steps the server starts with both keys.
      await using server = serve();
      await (await clientOf(server, key)).send('GET', `/orgs/${ORG_ID}`);
      await end(server);
    }
    const next = keysIn(keyFile).slice(0, 1);
    await using again = rotate();
    assert.equal((await again.exit).code, 0, again.stderr);
    assert.deepEqual(keysIn(keyFile), next, 'no third key was made');
    assert.deepEqual(formerOf(keyFile).map(keysIn), [former], `${hook}: the former key is kept once`);
    await using server = serve();
    await (await clientOf(server, key)).send('GET', `/orgs/${ORG_ID}`);
    await end(server);
  }
});

test('a server that is killed while it reseals secrets continues after a restart', async () => {
  using folder = temporaryFolder('keys');
  const { keyFile, serve, rotate } = setUp(folder);
  await using server = serve('control.reseal.batch=kill');
  const [key] = await makeKeys(await clientOf(server));
  await using rotation = rotate();
  await expectHookReached(server);
  await using again = serve();
  await (await clientOf(again, key)).send('GET', `/orgs/${ORG_ID}`);
  assert.equal((await rotation.exit).code, 0, rotation.stderr);
  assert.equal(keysIn(keyFile).length, 1);
  await end(again);
});

test('a former key file opens an earlier backup, is never overwritten, and opens nothing of the rotated store', async () => {
  using folder = temporaryFolder('keys');
  const { keyFile, serve, rotate } = setUp(folder);
  const backup = join(folder.path, 'backup.db');
  const [data, restored] = [join(folder.path, 'data'), join(folder.path, 'restored')];
  await using server = serve();
  const key = await makeKey(await clientOf(server));
  await using copied = runLinkspan(['backup', '--data-dir', data, '--file', backup], { env: ENV });
  assert.equal((await copied.exit).code, 0, copied.stderr);
  await using first = rotate();
  assert.equal((await first.exit).code, 0, first.stderr);
  const [former = ''] = formerOf(keyFile);
  assert.match(first.stderr, /earlier backups need the former key in \S+\.former-/);
  await end(server);

  await using unpacked = runLinkspan(['restore', '--data-dir', restored, '--file', backup], { env: ENV });
  assert.equal((await unpacked.exit).code, 0, unpacked.stderr);
  const at = (directory: string) =>
    runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', directory, '--master-key-file', former], {
      env: ENV,
    });
  await using fromBackup = at(restored);
  await (await clientOf(fromBackup, key)).send('GET', `/orgs/${ORG_ID}`);
  await end(fromBackup);
  await using rotatedStore = at(data);
  assert.equal((await rotatedStore.exit).code, 2);
  assert.match(rotatedStore.stderr, /\[MASTER_KEY_UNUSABLE\]/);

  await using verified = runLinkspan(['audit', 'verify', '--data-dir', data], { env: ENV });
  assert.equal((await verified.exit).code, 0, verified.stderr);
  await using second = rotate();
  assert.equal((await second.exit).code, 0, second.stderr);
  const kept = formerOf(keyFile);
  assert.deepEqual([kept.length, kept.includes(former)], [2, true]);
  const own = keysIn(keyFile)[0] ?? '';
  await using third = rotate();
  assert.equal((await third.exit).code, 0, third.stderr);
  const [last = ''] = formerOf(keyFile).filter((file) => keysIn(file)[0] === own);
  // A rotation that would overwrite another key stops before it changes anything.
  writeFileSync(keyFile, `${own}\n`);
  writeFileSync(last, readFileSync(former));
  await using refused = rotate();
  assert.equal((await refused.exit).code, 2);
  assert.deepEqual([keysIn(keyFile), keysIn(last)], [[own], keysIn(former)]);
});
