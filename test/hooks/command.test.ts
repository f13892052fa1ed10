import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deliver, type HookEvent, readHooks } from '../../src/hooks/index.ts';
import { type Clock, systemClock } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { type HooksFolder, hooksFolder } from './hooks-folder.ts';

const EVENT: HookEvent = {
  id: '6566a1b2c3d4e5f601234567',
  type: 'migration.failed',
  timestamp: '2026-11-01T12:00:00.000Z',
  data: {
    migrationId: '0123456789abcdef01234567',
    message: 'It failed: $(touch /tmp/x); "quoted" \u0000\n',
    error: { code: 'INTERNAL_ERROR', message: 'It failed.', remedy: '' },
  },
};

/** Runs a script as a hook. */
async function run(
  folder: HooksFolder,
  script: string,
  more: { args?: string[]; timeoutSeconds?: number; clock?: Clock } = {},
) {
  const file = join(folder.path, 'hook.sh');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o700);
  const { args = [], clock = systemClock, ...settings } = more;
  const { hooks } = readHooks(folder.write({ hooks: [{ name: 'ticket', command: [file, ...args], ...settings }] }));
  const [hook] = hooks;
  assert.ok(hook);
  await deliver(hook, EVENT, clock, new AbortController().signal);
}

function isRunning(pid: number): boolean {
  try {
    // A zombie still has its entry: it has ended, and its parent has not looked.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a command gets the event on stdin and in variables, its arguments as they are, and nothing else of the server', async () => {
  using folder = hooksFolder();
  process.env.LINKSPAN_MASTER_KEY_FILE = '/secret/place';
  const planted = join(folder.path, 'planted');
  try {
    const script = `cd ${folder.path}; cat > stdin; printf %s "$LINKSPAN_EVENT" > variable; env > environment; printf %s "$1" > argument`;
    await run(folder, script, { args: [`$(touch ${planted})`] });
  } finally {
    delete process.env.LINKSPAN_MASTER_KEY_FILE;
  }
  const read = (name: string) => readFileSync(join(folder.path, name), 'utf8');
  assert.deepEqual(JSON.parse(read('stdin')), EVENT);
  assert.equal(read('variable'), read('stdin'));
  assert.equal(read('argument'), `$(touch ${planted})`);
  assert.ok(!existsSync(planted));
  const variables = read('environment');
  assert.match(variables, /^LINKSPAN_EVENT_TYPE=migration\.failed$/m);
  assert.match(variables, new RegExp(`^LINKSPAN_EVENT_ID=${EVENT.id}$`, 'm'));
  assert.match(variables, /^LINKSPAN_MIGRATION_ID=0123456789abcdef01234567$/m);
  assert.doesNotMatch(variables, /MASTER_KEY/);
});

test('a command that reads nothing and ends with 0 has taken the event', async () => {
  using folder = hooksFolder();
  await run(folder, 'exit 0');
});

test('a command that fails says how, with the end of its output, without passwords and control characters', async () => {
  using folder = hooksFolder();
  const script = `yes filler | head -n 100000
printf 'bad \\033[31m mongodb://user:secret@host/' >&2; exit 3`;
  await assert.rejects(run(folder, script), (error: Error) => {
    assert.match(error.message, /^it ended with status 3: .*bad {1,2}\[31m mongodb:\/\/\*\*\*@host\/$/);
    assert.ok(error.message.length < 600);
    return true;
  });
  await assert.rejects(run(folder, 'kill -TERM $$'), /it was ended by SIGTERM/);
});

test('a command that takes too long is killed with everything that it started', async () => {
  using folder = hooksFolder();
  const pidFile = join(folder.path, 'pids');
  const script = `trap '' TERM; sleep 600 & echo $! > ${pidFile}; echo $$ >> ${pidFile}; wait`;
  const started = () =>
    readFileSync(pidFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  // Its time is over as soon as both processes run, however long a busy machine takes to start them.
  const timeout = () => {
    const over = new AbortController();
    const end = () => over.abort();
    eventually(() => started().length === 2, { what: 'both processes' }).then(end, end);
    return over.signal;
  };
  const clock = { ...systemClock, timeout };
  await assert.rejects(run(folder, script, { timeoutSeconds: 1, clock }), /no success within 1 s/);
  const pids = started();
  assert.equal(pids.length, 2);
  await eventually(() => pids.every((pid) => !isRunning(pid)), { what: 'the end of the command and its children' });
});

test('a program that does not exist is a failure with its reason', async () => {
  using folder = hooksFolder();
  const { hooks } = readHooks(folder.write({ hooks: [{ name: 'ticket', command: ['/nowhere/notify'] }] }));
  const [hook] = hooks;
  assert.ok(hook);
  await assert.rejects(
    deliver(hook, EVENT, systemClock, new AbortController().signal),
    /could not be started: .*ENOENT/,
  );
});
