import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runLinkspan } from '../support/linkspan-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Result {
  readonly type: string;
  readonly outcome: string;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
  readonly [fact: string]: unknown;
}

/** Runs a command with `-o json`. @returns its exit code, and the objects on stdout */
async function run(words: readonly string[], env: Record<string, string> = {}) {
  await using linkspan = runLinkspan([...words, '-o', 'json'], { env });
  const { code } = await linkspan.exit;
  const objects = linkspan.stdout.trimEnd().split('\n').filter(Boolean);
  const results = objects.map((line) => JSON.parse(line) as Result);
  const result = results.at(-1);
  assert.ok(result, `${words.join(' ')}: ${linkspan.stderr}`);
  return { code, result, results };
}

test('each command about a data directory ends with one result for programs, whether it succeeds or not', async () => {
  using folder = temporaryFolder('results');
  const data = join(folder.path, 'data');
  const backup = join(folder.path, 'backup');
  {
    await using server = runLinkspan(['serve', '--listen', '127.0.0.1:0', '--data-dir', data]);
    await server.waitForLine(/^linkspan serve: ready at /);
    server.kill('SIGTERM');
    await server.exit;
  }
  const here = ['--data-dir', data];
  const done: readonly (readonly [words: readonly string[], fact: string])[] = [
    [['serve', 'check', ...here], 'checks'],
    [['backup', ...here, '--file', backup], 'file'],
    [['restored', ...here], 'restores'],
    [['keys', 'rotate', ...here], 'masterKeyFile'],
    [['audit', 'verify', ...here], 'head'],
    [['audit', 'head', ...here], 'head'],
    [['support-bundle', ...here, '--file', join(folder.path, 'bundle')], 'file'],
    [['restore', '--data-dir', join(folder.path, 'other'), '--file', backup], 'dataDirectory'],
    [['doctor', ...here], 'checks'],
  ];
  for (const [words, fact] of done) {
    const { code, result } = await run(words);
    const { type, outcome, error } = result;
    assert.deepEqual([code, type, outcome, error], [0, 'result', 'DONE', null], words.join(' '));
    assert.ok(fact in result, `${words.join(' ')} has no ${fact}`);
  }
  const hooks = join(folder.path, 'hooks.yaml');
  writeFileSync(hooks, 'hooks:\n  - name: fails\n    command: [/bin/false]\n    events: [migration.failed]\n', {
    mode: 0o600,
  });
  mkdirSync(join(folder.path, 'empty'));
  const empty = ['--data-dir', join(folder.path, 'empty')];
  const refused: readonly (readonly [words: readonly string[], code: number, error: string])[] = [
    [['backup', ...here, '--file', backup], 2, 'BACKUP_FAILED'],
    [['restore', ...here, '--file', backup], 2, 'BACKUP_FAILED'],
    [['audit', 'verify', ...empty], 2, 'MASTER_KEY_UNUSABLE'],
    [['agent', 'check', '--config', join(folder.path, 'absent.yaml')], 2, 'CONFIGURATION_UNREADABLE'],
    [['hooks', 'test', '--hooks-file', hooks], 1, 'CHECKS_FAILED'],
    [['serve', 'check', ...here, '--listen', '0.0.0.0:8080', '--plain-http', 'anywhere'], 2, 'CHECKS_FAILED'],
  ];
  for (const [words, expected, name] of refused) {
    const { code, result } = await run(words);
    const { type, outcome, error } = result;
    const end = [expected, 'result', expected === 1 ? 'FAILED' : 'REFUSED', name];
    assert.deepEqual([code, type, outcome, error?.code], end, words.join(' '));
    assert.ok(error?.message && error.remedy, words.join(' '));
  }
  const { code, results } = await run(['doctor', ...here, '--config', join(folder.path, 'absent.yaml')]);
  assert.deepEqual(
    [code, ...results.map(({ error }) => error?.code)],
    [2, undefined, 'CONFIGURATION_UNREADABLE', 'CHECKS_FAILED'],
    'a result of each part, and its own',
  );
});

test('a refusal of the API is a result with the code and the remedy of the server; a server that is down has another', async () => {
  using folder = temporaryFolder('results');
  const keys = { LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'first', LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-test' };
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', folder.path];
  await using server = runLinkspan(args, { env: keys });
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+),/);
  const env = { LINKSPAN_URL: url, LINKSPAN_PUBLIC_KEY: 'first', LINKSPAN_PRIVATE_KEY: 'a-private-key-of-the-test' };
  const ended = async (more: Record<string, string>) => {
    const words = ['project', 'describe', '0'.repeat(24)];
    const { code, result } = await run(words, { ...env, ...more });
    return [code, result.outcome, result.error?.code, (result.error?.remedy ?? '') !== ''];
  };
  assert.deepEqual(await ended({}), [2, 'REFUSED', 'GROUP_NOT_FOUND', true]);
  assert.deepEqual(await ended({ LINKSPAN_PRIVATE_KEY: 'wrong' }), [2, 'REFUSED', 'API_UNAUTHORIZED', true]);
  assert.deepEqual(await ended({ LINKSPAN_URL: 'http://127.0.0.1:1' }), [2, 'REFUSED', 'API_UNREACHABLE', true]);
});
