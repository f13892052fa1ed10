import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dateOf } from '../../src/contract/index.ts';
import { hookEvent } from '../../src/hooks/index.ts';
import { cutoverReport } from '../atlas-api/migration-world.ts';
import { planeAt } from '../atlas-api/plane-at.ts';
import { start } from '../atlas-api/started-migration.ts';
import { type HooksFolder, hooksFolder } from '../hooks/hooks-folder.ts';
import { eventually } from '../support/eventually.ts';
import { HookReceiver } from '../support/hook-receiver.ts';
import { type LinkspanProcess, runLinkspan } from '../support/linkspan-process.ts';

const ORG_ID = 'ab'.repeat(12);
const KEYS = ['testerkey', 'a-private-key-of-the-test'] as const;
const READY = { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] } as const;

/** A `linkspan serve` with hooks. Its data stays in the folder for the next one. */
async function serve(
  folder: HooksFolder,
  hooksFile: string | undefined,
  more: { readonly hook?: string; readonly port?: string } = {},
): Promise<{ readonly server: LinkspanProcess; readonly url: string }> {
  const listen = `127.0.0.1:${more.port ?? 0}`;
  const args = ['serve', '--listen', listen, '--data-dir', join(folder.path, 'data'), '--rate-limits', 'off'];
  const form = ['--check-destinations', 'form', '--destination-users', 'fixed'];
  const hooks = hooksFile === undefined ? [] : ['--hooks-file', hooksFile];
  const env = {
    LINKSPAN_LOG_LEVEL: 'warn',
    LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
    LINKSPAN_BOOTSTRAP_PUBLIC_KEY: KEYS[0],
    LINKSPAN_BOOTSTRAP_PRIVATE_KEY: KEYS[1],
  };
  const server = runLinkspan([...args, ...form, ...hooks], { env, hook: more.hook });
  const [, url = ''] = await server.waitForLine(/^linkspan serve: ready at (\S+), data in /);
  return { server, url };
}

const planeOf = (url: string) => planeAt(url, ORG_ID, KEYS);
const portOf = (url: string) => new URL(url).port;

test('a migration tells its hooks when it is ready, failed or cut over: in order, each once, in the documented form', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const script = join(folder.path, 'ticket.sh');
  const tickets = join(folder.path, 'tickets');
  writeFileSync(script, `#!/bin/sh\ncat >> ${tickets}; echo >> ${tickets}\n`);
  chmodSync(script, 0o700);
  const file = folder.write({
    hooks: [
      { name: 'pager', url: receiver.url, secretFile: 'hook.secret' },
      { name: 'ticket', command: [script], events: ['migration.cut_over'] },
      { name: 'others', url: receiver.url, secretFile: 'hook.secret', orgId: 'c'.repeat(24) },
    ],
  });
  const { server, url } = await serve(folder, file);
  await using _server = server;
  const { id, report } = await start(planeOf(url));
  await report({});
  await report(READY);
  await report(READY);
  await report({ ...READY, readyForCutover: false });
  await report(READY);
  const error = { code: 'X', message: 'It broke.', remedy: 'Fix it.' };
  const unfinished = {
    ...READY,
    state: 'FAILED',
    since: dateOf(1),
    error,
    cutoverReport: cutoverReport('a warning'),
  } as const;
  for (let times = 0; times < 2; times += 1) await report(unfinished);
  await eventually(() => receiver.requests.length >= 2, { what: 'the unfinished cutover' });
  assert.match(receiver.events[1].data.message, /^It broke\. Fix it\. .*past its point of no return/);
  await report({ ...READY, state: 'COMMITTED', canWrite: true });
  await eventually(() => receiver.requests.length >= 3, { what: 'three events' });
  await eventually(() => readFileSync(tickets, 'utf8').endsWith('\n'), { what: 'the ticket' });
  assert.deepEqual(
    receiver.events.map(({ type }) => type),
    ['migration.ready', 'migration.failed', 'migration.cut_over'],
  );
  const [ready] = receiver.events;
  assert.deepEqual(
    [ready.data.migrationId, ready.data.orgId, ready.data.source, ready.data.destination],
    [id, ORG_ID, 'source', 'C1'],
  );
  const hours = (Date.parse(ready.data.cutoverWindowEndsAt) - Date.parse(ready.timestamp)) / 3_600_000;
  assert.equal(hours, 120);
  for (const event of receiver.events) assert.deepEqual(hookEvent.parse(event), event);
  assert.deepEqual(JSON.parse(readFileSync(tickets, 'utf8')), receiver.events[2]);
});

test('a server that is killed before it queues an event, or before it notes the delivery, delivers it after its restart', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const file = folder.write({ hooks: [{ name: 'pager', url: receiver.url, secretFile: 'hook.secret' }] });
  // The inventory is the first report, the progress the second and the readiness the third.
  const first = await serve(folder, file, { hook: 'control.report.committed@3=kill' });
  await using _first = first.server;
  const port = portOf(first.url);
  const { id, report } = await start(planeOf(first.url));
  await report({});
  await report(READY).catch(() => undefined);
  assert.equal((await first.server.exit).signal, 'SIGKILL');
  {
    await using second = (await serve(folder, file, { hook: 'hooks.sent=kill', port })).server;
    assert.equal((await second.exit).signal, 'SIGKILL');
    assert.deepEqual(
      receiver.events.map(({ type }) => type),
      ['migration.ready'],
    );
  }
  const third = await serve(folder, file, { port });
  await using _third = third.server;
  await eventually(() => receiver.requests.length >= 2, { what: 'the event once more' });
  await report({ ...READY, state: 'FAILED', error: { code: 'X', message: 'It failed.', remedy: 'Fix it.' } });
  await eventually(() => receiver.requests.length >= 3, { what: 'the failure' });
  const [ready, again, failed] = receiver.events;
  assert.deepEqual(again, ready);
  assert.equal(receiver.requests[0]?.headers['webhook-id'], receiver.requests[1]?.headers['webhook-id']);
  assert.deepEqual(
    [failed.type, failed.data.message, failed.data.migrationId],
    ['migration.failed', 'It failed. Fix it.', id],
  );
});

test('a hook that fails is a warning of its migration and one line of the log, with neither the secret nor the path of its URL', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  receiver.answer = (_request, _incoming, response) => void response.writeHead(503).end();
  const url = `${receiver.url}/path-canary`;
  const file = folder.write({ hooks: [{ name: 'pager', url, secretFile: 'hook.secret' }] });
  const { server, url: api } = await serve(folder, file);
  await using _server = server;
  const { report, show } = await start(planeOf(api));
  await report({});
  await report(READY);
  await eventually(async () => ((await show()).linkspan.warnings as string[]).length > 0, { what: 'a warning' });
  const [warning] = (await show()).linkspan.warnings as string[];
  assert.match(
    warning ?? '',
    /^Hook pager has failed \d times? to take migration\.ready\. The log of the server says why\.$/,
  );
  await eventually(() => receiver.requests.length >= 2, { what: 'a second attempt' });
  assert.equal(server.stderr.split('a hook failed; retrying').length, 2);
  assert.ok(!server.stderr.includes('path-canary') && !server.stderr.includes(folder.secret.slice(6)));
  await report({ ...READY, state: 'COMMITTED', canWrite: true });
  receiver.answer = (_request, _incoming, response) => void response.writeHead(200).end();
  await eventually(() => receiver.events.at(-1)?.type === 'migration.cut_over', {
    what: 'the cutover',
  });
  await eventually(async () => ((await show()).linkspan.warnings as string[]).length === 0, { what: 'no warning' });
});

test('a server that gets hooks does not send what happened before', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const first = await serve(folder, undefined);
  const port = portOf(first.url);
  const { report, ask } = await start(planeOf(first.url));
  await report({});
  await report(READY);
  first.server.kill('SIGTERM');
  assert.equal((await first.server.exit).code, 0);
  const file = folder.write({ hooks: [{ name: 'pager', url: receiver.url, secretFile: 'hook.secret' }] });
  const second = await serve(folder, file, { port });
  await using _second = second.server;
  assert.equal((await ask('cancel', { dropCopiedData: false })).status, 202);
  await report({ ...READY, state: 'CANCELLED', readyForCutover: false });
  await eventually(() => receiver.requests.length > 0, { what: 'an event' });
  assert.deepEqual(
    receiver.events.map(({ type }) => type),
    ['migration.cancelled'],
  );
});

test('hooks test sends a test event, and ends with 1 and the reason when a hook does not take it', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const file = folder.write({
    hooks: [
      { name: 'pager', url: receiver.url, secretFile: 'hook.secret' },
      { name: 'ticket', command: ['/bin/false'], events: ['migration.failed'] },
    ],
  });
  await using both = runLinkspan(['hooks', 'test', '--hooks-file', file]);
  assert.equal((await both.exit).code, 1);
  assert.match(both.stdout, /^ok {6}hook pager: it took the test event$/m);
  assert.match(both.stdout, /^failed {2}hook ticket: it ended with status 1$/m);
  await using one = runLinkspan(['hooks', 'test', '--hook', 'pager'], { env: { LINKSPAN_HOOKS_FILE: file } });
  assert.equal((await one.exit).code, 0);
  await using none = runLinkspan(['hooks', 'test', '--hooks-file', file, '--hook', 'nobody']);
  assert.equal((await none.exit).code, 2);
  assert.match(none.stderr, /has no hook named nobody\. Use one of its hooks: pager, ticket\./);
  assert.deepEqual(
    receiver.events.map(({ type }) => type),
    ['hooks.test', 'hooks.test'],
  );
  for (const event of receiver.events) assert.deepEqual(hookEvent.parse(event), event);
});
