import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { expectHookReached } from '../../support/linkspan-process.ts';
import { CANARY, FleetWorld } from './fleet-world.ts';

const OWN = { 'linkspan/fleet': 'spring', 'linkspan/wave': '1' };

test('a dry run shows what an apply would do and changes nothing, and the apply then creates it with its labels, note and windows', async () => {
  await using world = await FleetWorld.start();
  const window = { days: ['MON'], from: '22:00', to: '06:00', timeZone: 'Europe/Berlin', loadLevel: 4 };
  const more = { labels: { team: 'payments' }, note: 'soon', loadWindows: [window] };
  const file = world.write([world.entry('a', more), world.entry('b', { agent: 'host-2', wave: 2 })]);
  const dry = await world.run(['apply', '-f', file, '--dry-run']);
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^fleet spring: 2 to create, 0 to change, 0 unchanged, 0 unmanaged$/m);
  assert.match(dry.stdout, /^\+ destination +a +d-a:27017$/m);
  assert.match(dry.stdout, /^\+ create +a +wave 1 +host-1: a → a$/m);
  assert.match(dry.stdout, /^\+ create +b +wave 2 +host-2: b → b$/m);
  assert.deepEqual(await world.migrations(), []);
  const clusters = await world.plane.api('GET', `/api/atlas/v2/groups/${world.project}/clusters`);
  assert.equal(clusters.json.totalCount, 0);

  await using applying = world.begin(['apply', '-f', file]);
  // An apply sets the windows after it has created the migration.
  const hasWindows = async () => (await world.migrations()).some((one) => one.linkspan.loadWindows.length > 0);
  await eventually(hasWindows, { what: 'the first wave' });
  const [{ linkspan } = assert.fail()] = await world.migrations();
  assert.deepEqual(linkspan.labels, { ...OWN, 'linkspan/entry': 'a', team: 'payments' });
  assert.deepEqual([linkspan.note, linkspan.loadWindows], ['soon', [window]]);
  await world.ready('a');
  await eventually(async () => (await world.begun()).length === 2, { what: 'the second wave' });
  await world.ready('b', 'host-2');
  assert.equal((await applying.exit).code, 0, applying.stderr);
  assert.match(applying.stdout, /^1 +a .* ready to cut over/m);
  assert.ok(!`${dry.stdout}${dry.stderr}${applying.stdout}${applying.stderr}`.includes(CANARY));
});

test('an apply that was killed after its first migration is completed by the next, and one after that changes nothing', async () => {
  await using world = await FleetWorld.start();
  const file = world.write(['a', 'b', 'c'].map((name) => world.entry(name, { note: 'n', reversible: name === 'b' })));
  await using killed = world.begin(['apply', '-f', file], { hook: 'cli.fleet.created=kill' });
  await expectHookReached(killed);
  assert.deepEqual(await world.begun(), ['a']);
  await using second = world.begin(['apply', '-f', file]);
  await eventually(async () => (await world.begun()).length === 3, { what: 'the others' });
  assert.match(second.stdout, /^= same +a /m);
  for (const name of ['a', 'b', 'c']) await world.ready(name);
  assert.equal((await second.exit).code, 0, second.stderr);
  const before = await world.migrations();
  const third = await world.run(['apply', '-f', file]);
  assert.match(third.stdout, /^fleet spring: 0 to create, 0 to change, 3 unchanged, 0 unmanaged$/m);
  assert.equal(third.code, 0, third.stderr);
  assert.deepEqual(
    (await world.migrations()).map(({ _id }) => _id),
    before.map(({ _id }) => _id),
  );
});

test('an agent copies no more migrations of the fleet at once than its limit, and other agents have their own', async () => {
  await using world = await FleetWorld.start();
  const entries = [...['a', 'b', 'c'].map((name) => world.entry(name)), world.entry('d', { agent: 'host-2' })];
  const file = world.write(entries, { limits: { perAgent: { 'host-1': 2 } } });
  await using applying = world.begin(['apply', '-f', file, '-o', 'json']);
  await eventually(() => applying.stdout.includes('"entry":"d","wave":1,"state":"RUNNING"'), { what: 'a look at d' });
  assert.deepEqual(await world.begun(), ['a', 'b', 'd']);
  await world.ready('b');
  await eventually(async () => (await world.begun()).length === 4, { what: 'the place of b' });
  for (const name of ['a', 'c']) await world.ready(name);
  await world.ready('d', 'host-2');
  assert.equal((await applying.exit).code, 0, applying.stderr);
  const lines = applying.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(new Set(lines.map(({ type }) => type)), new Set(['diff', 'progress', 'result']));
  const { outcome, error, entries: ended } = lines.at(-1);
  assert.deepEqual([outcome, error, ended.length], ['DONE', null, 4]);
});

test('the differences for programs say what they say for people: hosts, agent, both clusters, and a drop', async () => {
  await using world = await FleetWorld.start();
  const file = world.write([world.entry('a', { drop: true }), world.entry('b')]);
  const { stdout } = await world.run(['apply', '-f', file, '--dry-run', '-o', 'json']);
  const { destinations, entries } = JSON.parse(stdout.split('\n')[0] ?? '');
  assert.deepEqual(destinations[0], { name: 'a', action: 'CREATE', hosts: 'd-a:27017' });
  const { agent, source, destination, dropsDestination } = entries[0];
  assert.deepEqual([agent, source.cluster, destination, dropsDestination], ['host-1', 'a', 'a', true]);
  assert.equal(entries[1].dropsDestination, false);
});

test('a dry run names the entries whose agent, project or cluster no agent reports, and exits with 2', async () => {
  await using world = await FleetWorld.start();
  const source = { project: '6'.repeat(24), cluster: 'a' };
  const entries = [
    ...[world.entry('a', { agent: 'host-9' }), world.entry('b', { source }), world.entry('d')],
    world.entry('c', { source: { ...Object(world.entry('c')).source, cluster: 'typo' } }),
  ];
  const file = world.write(entries);
  const { code, stdout, stderr } = await world.run(['apply', '-f', file, '--dry-run']);
  assert.equal(code, 2);
  assert.match(stdout, /^\+ create +a .*; agent host-9 does not report project \w{24}$/m);
  assert.match(stdout, /^\+ create +b .*; no agent reports project 6{24}$/m);
  assert.match(stdout, /^\+ create +c .*; no agent reports cluster typo in project \w{24}$/m);
  assert.match(stdout, /^\+ create +d +wave 1 +host-1: d → d$/m);
  assert.match(stderr, /fleet spring, because no agent reports their source now: a, b, c\..*\[FLEET_UNREPORTED\]/);
});

test('an apply whose time is up while the server is away ends with the reason', async () => {
  await using world = await FleetWorld.start();
  const file = world.write([world.entry('a')]);
  const env = { LINKSPAN_URL: 'http://127.0.0.1:1' };
  const { code, stdout } = await world.run(['apply', '-f', file, '--timeout', '1', '-o', 'json'], { env });
  const { outcome, error } = JSON.parse(stdout);
  assert.deepEqual([code, outcome, error.code], [4, 'STOPPED', 'API_UNREACHABLE']);
});

test('labels, note and windows follow the file, and what cannot change is refused by name before anything changes', async () => {
  await using world = await FleetWorld.start();
  const apply = (entries: readonly object[], ...args: string[]) =>
    world.run(['apply', '-f', world.write(entries), ...args]);
  const first = await apply(
    [world.entry('a', { labels: { team: 'x' }, note: 'old' }), world.entry('b')],
    '--timeout',
    '1',
  );
  assert.equal(first.code, 4, first.stderr);
  assert.match(first.stderr, /the time is up after 1 s/);
  const changed = world.entry('a', { labels: { team: 'y' }, wave: 3 });
  const refused = await apply([changed, world.entry('b', { destination: 'c' })]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /destination of entry b.*from b to c.*\[FLEET_CHANGE_REFUSED\]/);
  assert.equal((await world.migrations())[0]?.linkspan.note, 'old');
  const relabelled = await apply([changed], '--timeout', '1');
  assert.match(relabelled.stdout, /^~ change +a +labels: .*team=x.* → .*team=y.*; note: old → none$/m);
  const [{ linkspan } = assert.fail()] = await world.migrations();
  assert.deepEqual(linkspan.labels, { ...OWN, 'linkspan/wave': '3', 'linkspan/entry': 'a', team: 'y' });
  assert.equal(linkspan.note, null);
});

test('an entry that is gone from the file is listed as unmanaged and keeps running', async () => {
  await using world = await FleetWorld.start();
  await world.run(['apply', '-f', world.write([world.entry('a'), world.entry('b')]), '--timeout', '1']);
  const shown = await world.run(['apply', '-f', world.write([world.entry('a')]), '--dry-run']);
  assert.match(shown.stdout, /^fleet spring: 0 to create, 0 to change, 1 unchanged, 1 unmanaged$/m);
  assert.match(shown.stdout, /^\? unmanaged +b +wave 1 +[0-9a-f]{24} NEW$/m);
  assert.equal((await world.migrations()).length, 2);
});

test('a failed entry holds the next wave, others of its wave go on, and --retry-failed creates it again', async () => {
  await using world = await FleetWorld.start();
  const file = world.write([world.entry('a'), world.entry('b'), world.entry('c', { wave: 2 })]);
  await using applying = world.begin(['apply', '-f', file]);
  await eventually(async () => (await world.begun()).length === 2, { what: 'the first wave' });
  const error = { code: 'DESTINATION_FULL', message: 'The disk is full.', remedy: 'Make room.' };
  await world.report('a', { state: 'FAILED', error });
  await applying.waitForLine(/entry a of wave 1 failed: The disk is full\. Make room\. \[DESTINATION_FULL\]/);
  await world.ready('b');
  assert.equal((await applying.exit).code, 1);
  assert.match(applying.stderr, /1 of 3 entries of fleet spring failed: a\..*--retry-failed.*\[FLEET_HELD\]/);
  assert.deepEqual(await world.begun(), ['a', 'b']);
  const again = await world.run(['apply', '-f', file, '-o', 'json']);
  assert.equal(again.code, 1);
  const last = JSON.parse(again.stdout.trim().split('\n').at(-1) ?? '');
  assert.deepEqual([last.outcome, last.error.code], ['FAILED', 'FLEET_HELD']);
  assert.deepEqual(last.entries[0].error, error);
  assert.equal(last.entries[2].state, 'WAITING');

  await using retrying = world.begin(['apply', '-f', file, '--retry-failed']);
  await eventually(async () => (await world.begun()).length === 3, { what: 'the second attempt' });
  await world.ready('a');
  await eventually(async () => (await world.begun()).length === 4, { what: 'the second wave' });
  retrying.kill('SIGINT');
  assert.equal((await retrying.exit).code, 130);
});

test('an entry that the server refuses fails with its code and remedy, and the others begin', async () => {
  await using world = await FleetWorld.start();
  const entries = [world.entry('a', { agent: 'host-9' }), world.entry('b')];
  await using applying = world.begin(['apply', '-f', world.write(entries)]);
  await applying.waitForLine(/entry a of wave 1 failed: .*host-9.*\[[A-Z_]+\]/);
  await eventually(async () => (await world.begun()).length === 1, { what: 'the other one' });
  await world.ready('b');
  assert.equal((await applying.exit).code, 2, applying.stderr);
});

test('fleet status lists the entries by wave with status, lag and agent', async () => {
  await using world = await FleetWorld.start();
  const none = await world.run(['fleet', 'status', 'spring']);
  assert.deepEqual([none.code, none.stdout], [2, '']);
  assert.match(none.stderr, /No migration of a fleet named spring is in project \w{24}\..*\[FLEET_UNKNOWN\]/);
  const entries = [world.entry('b', { agent: 'host-2', wave: 2 }), world.entry('a')];
  const file = world.write(entries);
  await using _applying = world.begin(['apply', '-f', file]);
  await eventually(async () => (await world.begun()).length === 1, { what: 'the first wave' });
  await world.ready('a');
  await eventually(async () => (await world.begun()).length === 2, { what: 'the second wave' });
  const { code, stdout, stderr } = await world.run(['fleet', 'status', 'spring']);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^wave +entry +_id +status .*\n1 +a +\w{24} +WORKING .* 7 +host-1.*\n2 +b +\w{24} +NEW .* host-2/,
  );
  const { entries: listed } = JSON.parse((await world.run(['fleet', 'status', 'spring', '-o', 'json'])).stdout);
  assert.deepEqual(
    listed.map((one: { readonly waiting: readonly { readonly for: string }[] } & Readonly<Record<string, unknown>>) => {
      const { entry, wave, state, stage, agentStatus, waiting } = one;
      return [entry, wave, state, stage, agentStatus, waiting.map((wait) => wait.for)];
    }),
    [
      ['a', 1, 'READY', 'READY', 'CONNECTED', []],
      ['b', 2, 'RUNNING', 'WAITING_TO_START', 'CONNECTED', ['the agent to take the order']],
    ],
  );
});
