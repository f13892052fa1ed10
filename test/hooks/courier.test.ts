import assert from 'node:assert/strict';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Courier, FileOutbox, type Hook, type HookEvent, readHooks } from '../../src/hooks/index.ts';
import { silentLogger, systemClock } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { HookReceiver, type ReceivedRequest } from '../support/hook-receiver.ts';
import { type HooksFolder, hooksFolder } from './hooks-folder.ts';

function event(number: number, migrationId = 'm1', orgId = 'o1'): HookEvent {
  const id = `${migrationId}-${number}`;
  return { id, type: 'migration.cut_over', timestamp: '2026-11-01T12:00:00.000Z', data: { migrationId, orgId } };
}

function hooksAt(folder: HooksFolder, urls: Readonly<Record<string, string>>): readonly Hook[] {
  const entries = Object.entries(urls).map(([name, url]) => ({ name, url, secretFile: folder.secretFile }));
  return readHooks(folder.write({ hooks: entries })).hooks;
}

/** A courier that runs until the end of its scope. */
function running(hooks: readonly Hook[], outbox: FileOutbox): AsyncDisposable {
  const stop = new AbortController();
  const ended = new Courier(hooks, outbox, { clock: systemClock, logger: silentLogger }).run(stop.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}

function announce(outbox: FileOutbox, hooks: readonly Hook[], ...events: readonly HookEvent[]): void {
  for (const one of events) {
    const subject = 'migrationId' in one.data ? one.data.migrationId : '';
    outbox.announce(
      subject,
      {},
      hooks.map(({ name }) => ({ hook: name, event: one })),
    );
  }
}

const idsOf = (receiver: HookReceiver) => receiver.requests.map(({ headers }) => headers['webhook-id']);
const openOutbox = (folder: HooksFolder) => new FileOutbox(join(folder.path, 'outbox.json'), silentLogger);

test('events of one migration arrive in order, also when attempts fail, and another migration does not wait for them', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const hooks = hooksAt(folder, { pager: receiver.url });
  const outbox = openOutbox(folder);
  let failures = 0;
  receiver.answer = ({ headers }: ReceivedRequest, _incoming, response) => {
    const fails = headers['webhook-id'] === 'm1-1' && failures++ < 2;
    response.writeHead(fails ? 503 : 200).end();
  };
  announce(outbox, hooks, event(1), event(2), event(3), event(1, 'm2'));
  await using _courier = running(hooks, outbox);
  await eventually(() => !outbox.isWaiting(['pager']), { what: 'the delivery of all events' });
  const ids = idsOf(receiver);
  assert.deepEqual(
    ids.filter((id) => String(id).startsWith('m1')),
    ['m1-1', 'm1-1', 'm1-1', 'm1-2', 'm1-3'],
  );
  assert.ok(ids.indexOf('m2-1') < ids.lastIndexOf('m1-1'), 'm2 waited for m1');
  assert.deepEqual(outbox.warnings, []);
});

test('an event that was announced is delivered by the next process, with the id that it had', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const hooks = hooksAt(folder, { pager: receiver.url });
  receiver.answer = (_request, _incoming, response) => void response.writeHead(500).end();
  {
    const outbox = openOutbox(folder);
    announce(outbox, hooks, event(1), event(2));
    await using _courier = running(hooks, outbox);
    await eventually(() => outbox.warnings.length > 0, { what: 'a failed attempt' });
    assert.match(outbox.warnings[0] ?? '', /^Hook pager fails: 127\.0\.0\.1 answered with status 500\.$/);
  }
  assert.equal(statSync(join(folder.path, 'outbox.json')).mode & 0o077, 0);
  receiver.requests.length = 0;
  receiver.answer = (_request, _incoming, response) => void response.writeHead(200).end();
  const next = openOutbox(folder);
  await using _courier = running(hooks, next);
  await eventually(() => !next.isWaiting(['pager']), { what: 'the delivery by the next process' });
  assert.deepEqual(idsOf(receiver), ['m1-1', 'm1-2']);
});

test('a hook that hangs delays no other hook', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  await using hanging = await HookReceiver.start();
  hanging.answer = () => undefined;
  const hooks = hooksAt(folder, { hanging: hanging.url, pager: receiver.url });
  const outbox = openOutbox(folder);
  for (let number = 1; number <= 5; number += 1) announce(outbox, hooks, event(number, `m${number}`));
  await using _courier = running(hooks, outbox);
  await eventually(() => receiver.requests.length === 5, { what: 'five events at the other hook' });
  assert.ok(hanging.requests.length <= 2, 'more than two attempts at once');
  assert.ok(outbox.isWaiting(['hanging']));
});

test('organizations take turns at a hook, however many migrations one has', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const hooks = hooksAt(folder, { pager: receiver.url });
  const outbox = openOutbox(folder);
  for (let number = 1; number <= 20; number += 1) announce(outbox, hooks, event(number, `m${number}`));
  for (const number of [21, 22]) announce(outbox, hooks, event(number, `m${number}`, 'o2'));
  await using _courier = running(hooks, outbox);
  await eventually(() => !outbox.isWaiting(['pager']), { what: 'the delivery of all events' });
  const ids = idsOf(receiver).slice(0, 6).map(String);
  assert.ok(ids.includes('m21-21') && ids.includes('m22-22'), ids.join());
});

test('a file that cannot be written or read is a warning, and events are delivered all the same', async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const hooks = hooksAt(folder, { pager: receiver.url });
  writeFileSync(join(folder.path, 'outbox.json'), '{"version":1,"deliv');
  assert.equal(openOutbox(folder).isWaiting(['pager']), false);
  rmSync(join(folder.path, 'outbox.json'));
  const outbox = new FileOutbox(join(folder.secretFile, 'outbox.json'), silentLogger);
  announce(outbox, hooks, event(1));
  assert.match(outbox.warnings[0] ?? '', /^The events for hooks don't survive a restart: /);
  await using _courier = running(hooks, outbox);
  await eventually(() => receiver.requests.length === 1, { what: 'the event' });
});
