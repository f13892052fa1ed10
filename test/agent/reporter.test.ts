import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neverBegun } from '../../src/agent/failed-progress.ts';
import { Reporter } from '../../src/agent/reporter.ts';
import type { Progress } from '../../src/engine/index.ts';
import type { Report } from '../../src/link/index.ts';
import { systemClock } from '../../src/platform/index.ts';

const never = new AbortController().signal;
const id = 'a'.repeat(24);

/** A reporter whose clock, client and state the test controls. */
function setUp(nowMs = 1_000_000) {
  const world = {
    nowMs,
    progress: { ...neverBegun(id, new Error('none')), state: 'copying' as Progress['state'] },
    validations: [] as Report['validations'],
    sent: [] as Report[],
    answer: (report: Report) => report.sequence,
  };
  const client = {
    report: async (report: Report) => {
      world.sent.push(structuredClone(report));
      return world.answer(report);
    },
  };
  const situation = {
    validations: () => world.validations,
    migrations: () => [{ id, progress: world.progress }],
    watches: () => [],
  };
  const clock = {
    ...systemClock,
    now: () => world.nowMs,
    elapsed: () => world.nowMs,
    sleep: () => Promise.resolve(),
  };
  const reporter = new Reporter(client, situation, clock);
  return {
    world,
    reporter,
    sentAfter: async (ms: number) => {
      world.nowMs += ms;
      return reporter.sendIfDue(never);
    },
  };
}

test('changed numbers are reported each second, unchanged ones every ten seconds', async () => {
  const { world, sentAfter } = setUp();
  assert.equal(await sentAfter(0), true);
  assert.equal(await sentAfter(999), false);
  world.progress = { ...world.progress, lagSeconds: 5 };
  assert.equal(await sentAfter(0), false);
  assert.equal(await sentAfter(1), true);
  assert.equal(await sentAfter(9_999), false);
  assert.equal(await sentAfter(1), true);
});

test('a changed state, readiness, validation result or inventory is reported at once', async () => {
  const { world, reporter, sentAfter } = setUp();
  await sentAfter(0);
  world.progress = { ...world.progress, state: 'tailing' };
  assert.equal(await sentAfter(1), true);
  world.progress = { ...world.progress, readyForCutover: true };
  assert.equal(await sentAfter(1), true);
  world.validations = [{ id, status: 'SUCCESS', errorMessage: null, findings: [] }];
  assert.equal(await sentAfter(1), true);
  reporter.setInventory([{ projectId: id, name: 'p', deployments: [] }]);
  assert.equal(await sentAfter(1), true);
  assert.equal(world.sent.at(-1)?.inventory?.length, 1);
  assert.equal(await sentAfter(1), false);
});

test('a lost report is sent again, inventory included', async () => {
  const { world, reporter, sentAfter } = setUp();
  reporter.setInventory([{ projectId: id, name: 'p', deployments: [] }]);
  world.answer = () => {
    throw new Error('no connection');
  };
  await assert.rejects(sentAfter(0), /no connection/);
  world.answer = ({ sequence }) => sequence;
  assert.equal(await sentAfter(0), true);
  assert.equal(world.sent[1]?.inventory?.length, 1);
  assert.ok((world.sent[1]?.sequence ?? 0) > (world.sent[0]?.sequence ?? 0));
});

test('reports of an agent whose clock was set back since its last run are accepted at once', async () => {
  const { world, sentAfter } = setUp();
  let highest = 5_000_000;
  world.answer = ({ sequence }) => {
    highest = Math.max(highest, sequence);
    return highest;
  };
  assert.equal(await sentAfter(0), true);
  assert.deepEqual(
    world.sent.map(({ sequence }) => sequence),
    [1_000_001, 5_000_001],
  );
});
