import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, prepare, progress } from '../atlas-api/migration-world.ts';
import { runLinkspan } from '../support/linkspan-process.ts';

const FINDING = {
  severity: 'warning',
  code: 'USERS_BYPASS_BLOCK',
  message: 'The source has users who can write: admin.root.',
  remedy: 'Stop them.',
  concerns: 'cutover',
} as const;

async function world() {
  const plane = await startControlPlane({ rateLimits: false });
  const { agent, groupId, path } = await prepare(plane);
  const id = String((await plane.api('POST', path, { body: cliBody(groupId) })).json._id);
  const env = {
    LINKSPAN_URL: plane.url,
    LINKSPAN_ORG_ID: plane.orgId,
    LINKSPAN_PROJECT_ID: groupId,
    LINKSPAN_PUBLIC_KEY: plane.publicKey,
    LINKSPAN_PRIVATE_KEY: plane.privateKey,
    LINKSPAN_CONFIG_FILE: '/nowhere',
  };
  return {
    id,
    report: (changes: Parameters<typeof progress>[1]) =>
      agent.report({ migrations: [{ id, progress: progress(id, changes) }] }),
    run: (...words: string[]) => runLinkspan(['migration', ...words], { env }),
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

test('describe says where a migration stands, how fast it is, what it waits for and why it is not ready', async () => {
  await using shop = await world();
  const waiting = [{ for: 'the source', sinceMs: 0, reason: 'it is out of reach' }];
  await shop.report({ waiting, findings: [FINDING] });
  await using described = shop.run('describe', shop.id);
  assert.equal((await described.exit).code, 0);
  for (const line of [
    /^phase +copying: 11 %, 1 B\/s, lag 7 s, ETA 0:08, 1 B of 9 B, 1 document$/m,
    /^agent +CONNECTED, last report 2\d{3}-\S+Z$/m,
    /^waiting +for the source since 1970-01-01T00:00:00Z: it is out of reach$/m,
    /^not ready +the initial copy is under way$/m,
    /^ {2}The source has users who can write: admin\.root\. \[USERS_BYPASS_BLOCK\]$/m,
  ]) {
    assert.match(described.stdout, line);
  }
});

test('describe --watch shows the live view until the migration has ended, and its exit code says how', async () => {
  await using shop = await world();
  await shop.report({});
  await using watching = shop.run('describe', shop.id, '--watch');
  await watching.waitForLine(/^copying: 11 %, 1 B\/s/);
  await shop.report({ state: 'tailing', readyForCutover: true, lagSeconds: 0 });
  await watching.waitForLine(/^in \w+: lag 0 s/);
  await shop.report({ state: 'committed' });
  assert.equal((await watching.exit).code, 0);
  assert.match(watching.stdout, /COMPLETE/);
});

test('describe --watch for programs ends with the migration as its result, and exit code 1 where it failed', async () => {
  await using shop = await world();
  await shop.report({});
  await using watching = shop.run('describe', shop.id, '--watch', '--output', 'json');
  await watching.waitForLine(/"phase":"copying"/);
  const error = { code: 'HISTORY_LOST', message: 'The oplog is gone.', remedy: 'No.' };
  await shop.report({ state: 'failed', error });
  assert.equal((await watching.exit).code, 1);
  const result = JSON.parse(watching.stdout.trimEnd().split('\n').at(-1) ?? '');
  assert.deepEqual(
    [result.type, result._id, result.status, result.errorMessage],
    ['result', shop.id, 'FAILED', 'The oplog is gone. No.'],
  );
});

test('a cutover repeats the warnings that matter for it', async () => {
  await using shop = await world();
  const other = { ...FINDING, code: 'HOST_BUSY', message: 'Busy.', concerns: undefined };
  await shop.report({ state: 'tailing', readyForCutover: true, findings: [FINDING, other] });
  await using cutover = shop.run('cutover', shop.id);
  assert.equal((await cutover.exit).code, 0);
  assert.match(
    cutover.stderr,
    /^linkspan: warning: The source has users who can write: admin\.root\. Stop them\. \[USERS_BYPASS_BLOCK\]$/m,
  );
  assert.doesNotMatch(cutover.stderr, /Busy/);
});
