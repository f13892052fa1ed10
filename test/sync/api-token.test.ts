import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';
const SIDES = ['--cluster0', 'mongodb://127.0.0.1:1', '--cluster1', 'mongodb://127.0.0.1:2'];

test('with a token file only calls with the token change anything, while every user of the machine can read', async () => {
  using folder = temporaryFolder('sync-token');
  const file = join(folder.path, 'token');
  writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
  await using linkspan = runLinkspan(['sync', ...SIDES, '--port', '0', '--api-token-file', file]);
  const [, url] = await linkspan.waitForLine(/API is ready at (http:\/\/\S+)$/);
  const post = async (call: string, authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await fetch(`${url}/${call}`, { method: 'POST', headers, body: '{}' });
    return [answer.status, ((await answer.json()) as { error?: string }).error];
  };
  const wrong = [undefined, '', 'Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, TOKEN];
  for (const call of ['start', 'load', 'pause', 'resume', 'commit', 'confirmDrops', 'reverse', 'finish', 'nothing']) {
    for (const authorization of wrong) {
      assert.deepEqual(await post(call, authorization), [401, 'SyncTokenMissing'], `${call} ${authorization}`);
    }
  }
  assert.deepEqual(await post('pause', `Bearer ${TOKEN}`), [409, 'WrongState']);
  assert.deepEqual(await post('pause', `bearer ${TOKEN}`), [409, 'WrongState']);
  assert.equal((await fetch(`${url}/progress`)).status, 200);
});

test('a token file that is readable by others, short, empty or missing is refused', async () => {
  using folder = temporaryFolder('sync-token');
  const file = join(folder.path, 'token');
  const start = async () => {
    await using linkspan = runLinkspan(['sync', ...SIDES, '--port', '0', '--api-token-file', file]);
    const { code } = await linkspan.exit;
    return { code, stderr: linkspan.stderr };
  };
  assert.match((await start()).stderr, /\[SYNC_TOKEN_UNUSABLE\]/);
  for (const [text, mode] of [
    [TOKEN, 0o640],
    [TOKEN, 0o604],
    ['', 0o600],
    ['short', 0o600],
    [`${TOKEN} ${TOKEN}`, 0o600],
  ] as const) {
    writeFileSync(file, text);
    chmodSync(file, mode);
    const { code, stderr } = await start();
    assert.ok(
      code === 2 && stderr.includes('[SYNC_TOKEN_UNUSABLE]') && !stderr.includes(TOKEN),
      `${text} ${mode}: ${stderr}`,
    );
  }
});
