import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveMigration } from '../../src/atlas-api/index.ts';
import { migrationText } from '../../src/cli/administration/migration-text.ts';
import { dateOf } from '../../src/contract/index.ts';
import { startControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, cutoverReport, prepare, progress } from '../atlas-api/migration-world.ts';
import { eventually } from '../support/eventually.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { comparing, mismatch, verified } from './progress/snapshots.ts';

const FINDING = {
  severity: 'WARNING',
  code: 'USERS_BYPASS_BLOCK',
  message: 'The source has users who can write: admin.root.',
  remedy: 'Stop them.',
  concerns: 'CUTOVER',
} as const;

async function world(more: Record<string, unknown> = {}) {
  const plane = await startControlPlane({ rateLimits: false });
  const { agent, groupId, path } = await prepare(plane);
  const id = String((await plane.api('POST', path, { body: cliBody(groupId, more) })).json._id);
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
    report: (changes: Parameters<typeof progress>[1], direction: object = {}) =>
      agent.report({ migrations: [{ id, progress: progress(id, changes), ...direction }] }),
    migration: async () => (await plane.api('GET', `${path}/${id}`)).json as unknown as LiveMigration,
    abort: () => plane.api('PUT', `${path}/${id}/abortCutover`, { body: {} }),
    run: (...words: string[]) => runLinkspan(['migration', ...words], { env }),
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

test("describe shows a migration's stage, speed, waits, and why it is not ready", async () => {
  await using shop = await world();
  const waiting = [{ for: 'the source', since: dateOf(0), reason: 'it is out of reach' }];
  await shop.report({ waiting, findings: [FINDING] });
  await using described = shop.run('describe', shop.id);
  assert.equal((await described.exit).code, 0);
  for (const line of [
    /^stage +waiting: 11 %, copying, 1 B\/s, lag 7 s, ETA 0:08, 1 B of 9 B, 1 document$/m,
    /^agent +CONNECTED, last report 2\d{3}-\S+Z$/m,
    /^waiting +for the source since 1970-01-01T00:00:00\.000Z: it is out of reach$/m,
    /^Ready for cutover: no$/m,
    /^ {2}\.\. {2}The migration runs and follows the source \[RUNNING\]\n {6}the initial sync is under way\n {6}-> Wait/m,
    /^ {2}ok {2}The agent was heard recently: \d+ seconds? \(limit 25\) \[AGENT\]$/m,
    /^ {2}The source has users who can write: admin\.root\. \[USERS_BYPASS_BLOCK\]$/m,
  ]) {
    assert.match(described.stdout, line);
  }
});

test('describe shows what was compared and what differs', async () => {
  await using shop = await world();
  const shown = async (changes: Parameters<typeof progress>[1]) => {
    await shop.report(changes);
    await using described = shop.run('describe', shop.id);
    assert.equal((await described.exit).code, 0, described.stderr);
    return described.stdout;
  };
  const compares = await shown({ state: 'FOLLOWING', verification: comparing({ bytesPerSecond: 250_000 }) });
  assert.match(compares, /^stage +verifying: 25 %, lag 7 s, 250 kB\/s, 500 of 2,000 documents compared$/m);
  assert.match(compares, /^verification +Verification is incomplete: 500 of about 2,000 documents compared\.$/m);
  const verification = verified({ mismatches: { found: 2, open: 1, latest: [mismatch] } });
  const differs = await shown({ state: 'FOLLOWING', verification });
  assert.match(differs, /^verification +Verification found differences: .* 1 document differs\.$/m);
  assert.match(
    differs,
    /^difference +shop\.orders _id \{"\$numberInt":"7"\}: different at `a\.b`, written by .* \(differs\)$/m,
  );
  await shown({ state: 'FOLLOWING', readyForCutover: true, verification: verified() });
  const done = await shown({ state: 'COMMITTED', verification: verified() });
  assert.match(
    done,
    /^verification +Verified: equal at 2026-11-26T20:41:07Z for 2,000 documents in 3 collections; .* Nothing differs\.$/m,
  );
});

test('describe --watch shows progress until the migration ends, and its exit code has the outcome', async () => {
  await using shop = await world();
  await shop.report({});
  await using watching = shop.run('describe', shop.id, '--watch');
  await watching.waitForLine(/^copying: 11 %, 1 B\/s/);
  await shop.report({ state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0 });
  await watching.waitForLine(/^ready to cut over: lag 0 s/);
  await shop.report({ state: 'COMMITTED' });
  assert.equal((await watching.exit).code, 0);
  assert.match(watching.stdout, /COMPLETE/);
});

test('what has gone wrong since the cutover comes first in describe, list and report, and decides the exit code', async () => {
  await using shop = await world({ linkspan: { reversible: true } });
  await shop.report({});
  await using watching = shop.run('describe', shop.id, '--watch');
  await watching.waitForLine(/^copying/);
  const error = { code: 'MISSING_PRIVILEGE', message: 'The user lacks a privilege.', remedy: 'Grant it.' };
  const failback = { state: 'FAILED', error };
  await shop.report({ state: 'COMMITTED', cutoverReport: cutoverReport('a warning') }, { reversals: 0, failback });
  assert.equal((await watching.exit).code, 1);
  assert.match(watching.stderr, /^complete, with problems: The user lacks a privilege\./m);
  assert.match(watching.stderr, /The user lacks a privilege\. Grant it\. \[MISSING_PRIVILEGE\]/);
  const firstOf = async (...words: string[]) => {
    await using shown = shop.run(...words, shop.id);
    await shown.exit;
    return shown.stdout.split('\n\n')[1]?.split('\n')[0];
  };
  const line = 'problem         The user lacks a privilege. Grant it. [MISSING_PRIVILEGE]';
  assert.deepEqual([await firstOf('describe'), await firstOf('report')], [line, line]);
  await using listed = shop.run('list');
  await listed.exit;
  assert.match(listed.stdout, / COMPLETE +complete, with problems .*The user lacks a privilege\./);
});

test('describe reports that no agent has taken a migration, and how to cancel it', async () => {
  await using shop = await world();
  await using described = shop.run('describe', shop.id);
  assert.equal((await described.exit).code, 0);
  const waiting = `^waiting +for the agent to take the order since \\S+Z: .*linkspan migration cancel ${shop.id} ends`;
  assert.match(described.stdout, new RegExp(waiting, 'm'));
});

test('describe --watch prints the last state once after Ctrl-C, and exits with 130', async () => {
  await using shop = await world();
  await shop.report({ state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0 });
  await using watching = shop.run('describe', shop.id, '--watch');
  await watching.waitForLine(/^ready to cut over: lag 0 s/);
  watching.kill('SIGINT');
  assert.deepEqual(await watching.exit, { code: 130, signal: null }, watching.stderr);
  assert.equal(watching.stderr.match(/lag 0 s/g)?.length, 1);
  assert.equal(watching.stdout, '');
});

test('a list shows the beginning of a long error, and describe shows all of it once', async () => {
  await using shop = await world();
  const error = { code: 'INTERNAL_ERROR', message: `${'long '.repeat(20)}end.`, remedy: 'No.' };
  await shop.report({ state: 'FAILED', error });
  await using listed = shop.run('list');
  await listed.exit;
  assert.match(listed.stdout, / FAILED .*(long ){10,11}.*…$/m);
  assert.doesNotMatch(listed.stdout, /end\./);
  await using described = shop.run('describe', shop.id);
  await described.exit;
  assert.equal(described.stdout.match(/end\./g)?.length, 1, described.stdout);
});

test('describe shows no rate, lag or ETA of an agent that sends nothing', async () => {
  await using shop = await world();
  await shop.report({});
  await using described = shop.run('describe', shop.id, '--output', 'json');
  await described.exit;
  const migration = JSON.parse(described.stdout);
  const lost = { ...migration.linkspan, agent: { status: 'LOST', lastSeen: null } };
  assert.match(migrationText(migration), /1 B\/s, lag 7 s, ETA 0:08/);
  assert.match(migrationText({ ...migration, linkspan: lost }), /^stage +copying: 11 %, 1 B of 9 B, 1 document$/m);
});

test('describe shows no temporary warning after the migration has ended', async () => {
  await using shop = await world();
  const busy = { severity: 'WARNING', code: 'HOST_BUSY', message: 'This host is busy.', remedy: 'Wait.' } as const;
  const shown = async () => {
    await using described = shop.run('describe', shop.id);
    await described.exit;
    return described.stdout.match(/HOST_BUSY|USERS_BYPASS_BLOCK/g)?.sort();
  };
  await shop.report({ findings: [busy, FINDING] });
  assert.deepEqual(await shown(), ['HOST_BUSY', 'USERS_BYPASS_BLOCK']);
  await shop.report({ state: 'COMMITTED', findings: [busy, FINDING] });
  assert.deepEqual(await shown(), ['USERS_BYPASS_BLOCK']);
});

test('wait ends when the migration is ready, and tells an end and a timeout apart by the exit code', async () => {
  await using shop = await world();
  await shop.report({});
  const code = async (until: string, ...words: string[]) => {
    await using waiting = shop.run('wait', shop.id, '--until', until, ...words);
    const { code } = await waiting.exit;
    return [code, waiting.stderr];
  };
  assert.deepEqual(await code('ready', '--timeout', '1'), [4, 'linkspan: the time is up after 1 s\n']);
  await shop.report({ state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0 });
  assert.deepEqual(await code('ready'), [0, '']);
  await shop.report({ state: 'FAILED', error: { code: 'INTERNAL_ERROR', message: 'It broke.', remedy: 'Mend it.' } });
  assert.deepEqual(await code('complete'), [1, 'linkspan: It broke. Mend it.\n']);
});

test('describe --watch for programs ends with the migration as its result, and exits with 1 if it failed', async () => {
  await using shop = await world();
  await shop.report({});
  await using watching = shop.run('describe', shop.id, '--watch', '--output', 'json');
  await watching.waitForLine(/"stage":"COPYING"/);
  const error = { code: 'HISTORY_LOST', message: 'The oplog is gone.', remedy: 'No.' };
  await shop.report({ state: 'FAILED', error });
  assert.equal((await watching.exit).code, 1);
  const result = JSON.parse(watching.stdout.trimEnd().split('\n').at(-1) ?? '');
  assert.deepEqual(
    [result.type, result._id, result.status, result.errorMessage],
    ['result', shop.id, 'FAILED', 'The oplog is gone. No.'],
  );
});

test('a cutover repeats its warnings', async () => {
  await using shop = await world();
  const other = { ...FINDING, code: 'HOST_BUSY', message: 'Busy.', concerns: undefined };
  await shop.report({ state: 'FOLLOWING', readyForCutover: true, findings: [FINDING, other] });
  await using cutover = shop.run('cutover', shop.id);
  assert.equal((await cutover.exit).code, 0);
  assert.match(
    cutover.stderr,
    /^linkspan: warning: The source has users who can write: admin\.root\. Stop them\. \[USERS_BYPASS_BLOCK\]$/m,
  );
  assert.doesNotMatch(cutover.stderr, /Busy/);
  assert.match(cutover.stdout, new RegExp(`^The cutover of migration ${shop.id} is requested\\. .*\nFollow it with: `));
});

test('cutover --wait ends with the report of the cutover, and exits with 1 when the cutover is aborted', async () => {
  const ready = { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0 } as const;
  const report = cutoverReport('a warning');
  const after = async (act: (shop: Awaited<ReturnType<typeof world>>) => Promise<unknown>, ...words: string[]) => {
    await using shop = await world();
    await shop.report(ready);
    await using cutover = shop.run('cutover', shop.id, '--wait', ...words);
    await eventually(async () => (await shop.migration()).linkspan.wanted === 'CUTOVER', { what: 'the request' });
    await act(shop);
    return { code: (await cutover.exit).code, stdout: cutover.stdout, stderr: cutover.stderr };
  };
  const aborted = await after((shop) => shop.abort());
  assert.equal(aborted.code, 1);
  assert.match(aborted.stderr, /the cutover of migration [0-9a-f]{24} was aborted/);
  const complete = (shop: Awaited<ReturnType<typeof world>>) =>
    shop.report({ state: 'COMMITTED', cutoverReport: report });
  const shown = await after(complete);
  assert.deepEqual([shown.code, shown.stdout.split('COMPLETE').length], [0, 2], shown.stdout);
  assert.match(shown.stdout, /\npause +80 ms\. an explanation\n/);
  const result = JSON.parse((await after(complete, '--output', 'json')).stdout);
  assert.deepEqual([result.status, result.cutoverReport.pause], ['COMPLETE', report.pause]);
});
