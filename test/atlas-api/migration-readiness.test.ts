import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf, GATES, type Gate, type GateName, type ShownGate } from '../../src/contract/index.ts';
import { startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { start } from './started-migration.ts';

function gate(name: GateName, state: Gate['state'] = 'PASSED', reasons: readonly string[] = []): Gate {
  return { name, state, reasons, value: 3, limit: 10, measuredAt: dateOf(5_000), etaSeconds: null };
}

const PASSED = [gate('RUNNING'), gate('COPY'), gate('LAG')];
const READY = {
  state: 'FOLLOWING',
  readyForCutover: true,
  lagSeconds: 0,
  notReadyReasons: [],
  readiness: PASSED,
} as const;

async function world() {
  const clock = new FakeClock();
  const plane = await startControlPlane({ clock });
  const started = await start(plane);
  return {
    ...started,
    clock,
    checklist: async () => {
      const { readyForCutover, lagTimeSeconds, linkspan } = await started.show();
      const gates = linkspan.readiness as ShownGate[];
      return { readyForCutover, lagTimeSeconds, gates, of: (name: GateName) => gates.find((one) => one.name === name) };
    },
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

test('GET shows the readiness of a migration as a checklist: what the engine reported and what the control plane knows', async () => {
  await using shop = await world();
  await shop.report({
    ...READY,
    readyForCutover: false,
    readiness: [...PASSED.slice(0, 2), gate('LAG', 'WAITING', ['the lag is 3 s'])],
  });
  const { readyForCutover, of, gates } = await shop.checklist();
  assert.equal(readyForCutover, false);
  const { group, title, refuses, unit, action } = GATES.LAG;
  assert.deepEqual(of('LAG'), {
    name: 'LAG',
    group,
    title,
    refuses,
    unit,
    action,
    state: 'WAITING',
    value: 3,
    limit: 10,
    reasons: ['the lag is 3 s'],
    measuredAt: '1970-01-01T00:00:05.000Z',
    etaSeconds: null,
  });
  assert.deepEqual(
    gates.map(({ name }) => name),
    ['RUNNING', 'AGENT', 'REQUEST', 'COPY', 'LAG', 'WINDOW'],
  );
  assert.deepEqual([of('AGENT')?.state, of('AGENT')?.limit, of('WINDOW')?.state], ['PASSED', 25, 'SKIPPED']);
});

test('a migration whose agent is silent is not ready, whatever was reported last, and no cutover of it begins', async () => {
  await using shop = await world();
  await shop.report(READY);
  assert.equal((await shop.checklist()).readyForCutover, true);
  shop.clock.nowMs += 26_000;
  const silent = await shop.checklist();
  assert.deepEqual([silent.readyForCutover, silent.lagTimeSeconds], [false, null]);
  assert.deepEqual([silent.of('AGENT')?.state, silent.of('AGENT')?.value], ['BLOCKED', 26]);
  assert.deepEqual([silent.of('LAG')?.state, silent.of('COPY')?.state], ['UNKNOWN', 'UNKNOWN']);
  const refused = await shop.ask('cutover');
  assert.equal(refused.json.errorCode, 'CUTOVER_NOT_READY');
  assert.match(String(refused.json.detail), /the agent on host-1 has not reported since 2026-11-01T12:00:00\.000Z\.$/);
  await shop.report(READY);
  assert.equal((await shop.checklist()).readyForCutover, true);
  assert.equal((await shop.ask('cutover')).status, 202);
  shop.clock.nowMs += 26_000;
  assert.equal((await shop.ask('cutover')).status, 202, 'a request that was accepted may be repeated');
});

// id: left-out-not-ready
test('a migration that its agent leaves out of its reports is not ready, whatever was reported last', async () => {
  await using shop = await world();
  await shop.report(READY);
  shop.clock.nowMs += 26_000;
  await shop.agent.report({ takenOver: [shop.id] });
  const left = await shop.checklist();
  assert.deepEqual([left.readyForCutover, left.lagTimeSeconds], [false, null]);
  assert.deepEqual(
    [left.of('AGENT')?.state, left.of('AGENT')?.value, left.of('LAG')?.state],
    ['BLOCKED', 26, 'UNKNOWN'],
  );
  const { linkspan } = await shop.show();
  assert.deepEqual(linkspan.agent, { status: 'LOST', lastSeen: '2026-11-01T12:00:00Z' });
  const [wait] = linkspan.waiting as { readonly reason: string }[];
  assert.match(wait?.reason ?? '', /^it is heard, but it has not reported this migration since\./);
  assert.match(wait?.reason ?? '', /Find the second agent or sync process and stop it/);
  const { warnings } = linkspan.progress as { readonly warnings: readonly string[] };
  assert.match(warnings.join(), /^Another engine has taken over migration/);
  const refused = await shop.ask('cutover');
  assert.equal(refused.json.errorCode, 'CUTOVER_NOT_READY');
  assert.match(
    String(refused.json.detail),
    /the agent on host-1 has not reported this migration since 2026-11-01T12:00:00\.000Z\.$/,
  );
  await shop.report(READY);
  assert.equal((await shop.checklist()).readyForCutover, true);
  assert.deepEqual(((await shop.show()).linkspan.progress as { readonly warnings: string[] }).warnings, []);
});

test('a migration that its agent leaves out and does not call taken over has no advice about a second agent', async () => {
  await using shop = await world();
  await shop.report(READY);
  shop.clock.nowMs += 26_000;
  // An agent that has restarted reports before it gets its orders.
  await shop.agent.report({});
  const [wait] = (await shop.show()).linkspan.waiting as { readonly reason: string }[];
  assert.equal(wait?.reason, 'it is heard, but it has not reported this migration since.');
});

// id: restarted-agent-not-ready
test('an agent that has restarted resumes its migration: until it reports it, it is neither lost nor ready', async () => {
  await using shop = await world();
  const status = async () => ((await shop.show()).linkspan.agent as { readonly status: string }).status;
  await shop.report(READY);
  shop.clock.nowMs += 26_000;
  assert.equal(await status(), 'LOST');
  await shop.agent.report({});
  assert.equal(await status(), 'RESUMING');
  const resuming = await shop.checklist();
  assert.deepEqual([resuming.readyForCutover, resuming.lagTimeSeconds], [false, null]);
  assert.deepEqual([resuming.of('AGENT')?.state, resuming.of('LAG')?.state], ['WAITING', 'UNKNOWN']);
  assert.equal((await shop.ask('cutover')).json.errorCode, 'CUTOVER_NOT_READY');
  await shop.report(READY);
  assert.equal(await status(), 'CONNECTED');
  assert.equal((await shop.checklist()).readyForCutover, true);

  shop.clock.nowMs += 26_000;
  for (const expected of ['RESUMING', 'RESUMING', 'RESUMING', 'LOST']) {
    await shop.agent.report({});
    assert.equal(await status(), expected);
    shop.clock.nowMs += 10_000;
  }
});

// id: left-out-without-silence
test('an agent that leaves out a migration without a silence is not taken for one that resumes it', async () => {
  await using shop = await world();
  await shop.report(READY);
  for (let seconds = 0; seconds < 20; seconds += 10) {
    shop.clock.nowMs += 10_000;
    await shop.agent.report({});
  }
  shop.clock.nowMs += 6_000;
  await shop.agent.report({});
  assert.deepEqual((await shop.show()).linkspan.agent, { status: 'LOST', lastSeen: '2026-11-01T12:00:00Z' });
});

test('a migration that another client reports was not taken over, whatever another agent with the same key says', async () => {
  await using shop = await world();
  await shop.report(READY);
  await shop.agent.report({ takenOver: [shop.id] });
  assert.equal((await shop.checklist()).readyForCutover, true);
  assert.deepEqual(((await shop.show()).linkspan.progress as { readonly warnings: string[] }).warnings, []);
});

test('an agent that says ready, but whose gates do not, is not ready', async () => {
  await using shop = await world();
  await shop.report({ ...READY, readiness: [...PASSED, gate('DOCUMENTS', 'WAITING', ['one differs'])] });
  assert.equal((await shop.checklist()).readyForCutover, false);
  const refused = await shop.ask('cutover');
  assert.match(String(refused.json.detail), /is not ready for cutover: one differs\.$/);
});

test('a migration that was paused is not ready before its agent has reported again', async () => {
  await using shop = await world();
  await shop.report(READY);
  await shop.ask('pause');
  const paused = await shop.checklist();
  assert.deepEqual([paused.readyForCutover, paused.of('REQUEST')?.reasons], [false, ['it is paused']]);
  await shop.report({
    ...READY,
    state: 'PAUSED',
    readyForCutover: false,
    readiness: [gate('RUNNING', 'BLOCKED', ['it is paused'])],
  });
  await shop.ask('resume');
  const resumed = await shop.checklist();
  assert.deepEqual([resumed.readyForCutover, resumed.of('RUNNING')?.state], [false, 'BLOCKED']);
});
