import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Agent, type AgentOptions } from '../../src/agent/agent.ts';
import { CutoverNotes } from '../../src/agent/cutover-notes.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import { FIRST_ORDER } from '../../src/contract/index.ts';
import type { Report } from '../../src/link/index.ts';
import { type Clock, silentLogger, systemClock, UserError } from '../../src/platform/index.ts';
import { interruptCutover } from '../engine/interrupted-cutover.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { SOURCE_PROJECT, startControlPlane } from './control-plane.ts';
import { readLog } from './read-log.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const never = new AbortController().signal;
const configuration: AgentOptions['configuration'] = {
  host: 'mover',
  dataDir: '/nowhere',
  plainHttp: 'loopback',
  allowedDestinations: ['127.0.0.0/8'],
  projects: [],
};

/** A clock that is wrong by a fixed difference. */
const clockAhead = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });

/** The calls about digests, which no agent here sends. */
const silentRelay = {
  askForDigest: () => Promise.reject(new Error('not asked')),
  workOnDigests: () => Promise.reject(new Error('not asked')),
};

test('an agent retries for an hour with growing delays, and continues when the control plane answers', async () => {
  let nowMs = Date.parse('2026-11-01T12:00:00Z');
  const end = nowMs + HOUR_MS;
  // The clock only advances when code sleeps.
  const clock = {
    ...systemClock,
    now: () => nowMs,
    elapsed: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
      await new Promise(setImmediate);
    },
  };
  const stop = new AbortController();
  const attempts: number[] = [];
  const reports: Report[] = [];
  const attempt = () => {
    if (nowMs >= end) return;
    attempts.push(nowMs);
    throw new UserError('CONTROL_PLANE_UNREACHABLE', ['https://l.example', 'connect ECONNREFUSED']);
  };
  const client: AgentOptions['client'] = {
    ...silentRelay,
    clockAheadMs: 0,
    keysUnstored: undefined,
    poll: async () => {
      attempt();
      await clock.sleep(1_000);
      return { revision: '1', serverKeys: ['k'], validations: [], migrations: [], watches: [], standbys: [] };
    },
    report: async (report) => {
      attempt();
      reports.push(report);
      stop.abort();
      return { sequence: report.sequence, resendLists: [], takeBack: [] };
    },
  };
  await new Agent({ configuration, client, logger: silentLogger, clock }).run(stop.signal);
  assert.ok(reports.length > 0);
  const late = attempts.filter((ms) => ms > end - HOUR_MS / 2);
  assert.ok(late.length > 10 && late.length < 1_000, `${late.length} attempts in half an hour`);
});

test('a start unblocks a source that was left blocked, even if the control plane is unreachable', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  using folder = temporaryFolder('agent');
  const shop = pair.source.client.db('shop').collection('orders');
  await shop.insertOne({});
  const migrationId = 'cd'.repeat(12);
  {
    await using running = RunningMigration.start(pair, { migrationId });
    await running.untilReady();
  }
  const destination = { uri: pair.destination.uri };
  const source = { projectId: SOURCE_PROJECT, clusterName: 'orders', ssl: false };
  const assignment = { source, destination, dropDestination: false, reversible: false, usersAndRoles: false };
  new CutoverNotes(folder.path).note([
    {
      id: migrationId,
      assignment,
      order: { ...FIRST_ORDER, wanted: 'CUTOVER' },
    },
  ]);
  assert.equal(statSync(join(folder.path, 'cutovers.json')).mode & 0o777, 0o600);
  await interruptCutover(pair, migrationId);

  const fails = () => Promise.reject(new UserError('CONTROL_PLANE_UNREACHABLE', ['https://l.example', 'no route']));
  const deployments = [{ name: 'orders', uri: pair.source.uri }];
  const stop = new AbortController();
  const running = new Agent({
    configuration: {
      ...configuration,
      dataDir: folder.path,
      projects: [{ id: SOURCE_PROJECT, name: 'shop', deployments }],
    },
    client: { ...silentRelay, clockAheadMs: 0, keysUnstored: undefined, poll: fails, report: fails },
    logger: silentLogger,
  }).run(stop.signal);
  await eventually(() => shop.insertOne({ open: true }), { what: 'the source to take writes' });
  stop.abort();
  await running;
});

test("the log reports clocks that differ by minutes; with an hour's difference, the error names both times", async () => {
  await using plane = await startControlPlane();
  const token = await plane.newToken();
  const options = { dataDir: plane.agentDirectory, host: 'mover', token };
  await assert.rejects(
    establishLink({ ...options, clock: clockAhead(-HOUR_MS) }, never),
    ({ code, message }: UserError) => {
      const [agentMs, serverMs] = [...message.matchAll(/says (\S+?)[,;.](?:\s|$)/g)].map(([, time]) =>
        Date.parse(time ?? ''),
      );
      assert.ok(Math.abs((serverMs ?? 0) - (agentMs ?? 0) - HOUR_MS) < MINUTE_MS, message);
      return code === 'CLOCK_SKEW';
    },
  );

  const clock = clockAhead(2 * MINUTE_MS);
  const { client } = await establishLink({ ...options, clock }, never);
  const { logger, logged } = readLog();
  const stop = new AbortController();
  const running = new Agent({ configuration, client, logger, clock }).run(stop.signal);
  const { aheadSeconds } = JSON.parse(await logged('differ'));
  stop.abort();
  await running;
  assert.ok(aheadSeconds >= 119 && aheadSeconds <= 121, String(aheadSeconds));
});

test('an agent whose address was removed from the access list is refused until the address is listed again', async () => {
  await using plane = await startControlPlane();
  const clock = systemClock;
  const { client, link } = await establishLink(
    { dataDir: plane.agentDirectory, host: 'mover', token: await plane.newToken(), clock },
    never,
  );
  const { logger, logged } = readLog();
  const stop = new AbortController();
  const running = new Agent({ configuration, client, logger }).run(stop.signal);
  const list = async (accessListIps: string[]) => {
    const stored = await plane.control.store.get('links', link.linkId);
    assert.ok(stored);
    await plane.control.store.write((transaction) => transaction.update('links', { ...stored, accessListIps }));
    plane.control.signals.wake(link.agentId);
  };
  await list(['192.0.2.1']);
  await logged('not on the access list');
  await list([]);
  await logged('answers again');
  stop.abort();
  await running;
});

test('whether the control plane is up to date is decided by the monotonic clock', async () => {
  let wallMs = Date.now();
  let elapsedMs = 0;
  const clock: Clock = { ...systemClock, now: () => wallMs, elapsed: () => elapsedMs };
  const waiting = Promise.withResolvers<never>();
  let reports = 0;
  const client: AgentOptions['client'] = {
    ...silentRelay,
    clockAheadMs: 0,
    keysUnstored: undefined,
    poll: () => waiting.promise,
    report: async ({ sequence }) => {
      reports += 1;
      return reports > 1 ? waiting.promise : { sequence, resendLists: [], takeBack: [] };
    },
  };
  const agent = new Agent({ configuration, client, logger: silentLogger, clock });
  const stop = new AbortController();
  assert.ok(!agent.isSynced);
  const ended = agent.run(stop.signal);
  await eventually(() => agent.isSynced, { what: 'the first report' });
  wallMs += HOUR_MS;
  assert.ok(agent.isSynced, 'the clock was set ahead');
  wallMs -= 2 * HOUR_MS;
  elapsedMs += MINUTE_MS;
  assert.ok(!agent.isSynced, 'the clock was set back, and nothing was taken for a minute');
  stop.abort();
  waiting.reject(new Error('stopped'));
  await ended;
});
