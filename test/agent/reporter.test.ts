import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neverBegun } from '../../src/agent/failed-progress.ts';
import type { CurrentLists } from '../../src/agent/migration-lists.ts';
import { Reporter } from '../../src/agent/reporter.ts';
import type { Progress } from '../../src/contract/index.ts';
import type { Report } from '../../src/link/index.ts';
import { newId, systemClock } from '../../src/platform/index.ts';

const never = new AbortController().signal;
const id = 'a'.repeat(24);

/** A reporter whose clock, client and state the test controls. */
function setUp(nowMs = 1_000_000) {
  const world = {
    nowMs,
    progress: { ...neverBegun(id, new Error('none')), state: 'COPYING' as Progress['state'] },
    validations: [] as Report['validations'],
    sent: [] as Report[],
    lists: [] as readonly CurrentLists[],
    migrations: undefined as Report['migrations'] | undefined,
    resendLists: [] as string[],
    takeBack: [] as string[],
    takenBack: [] as string[],
    standbys: [] as Report['standbys'],
    stopping: [] as string[],
    cutOff: [] as string[],
    answer: (report: Report) => report.sequence,
  };
  const client = {
    report: async (report: Report) => {
      world.sent.push(structuredClone(report));
      return { sequence: world.answer(report), resendLists: world.resendLists, takeBack: world.takeBack };
    },
  };
  const situation = {
    validations: () => world.validations,
    migrations: () => world.migrations ?? [{ id, progress: world.progress }],
    takenOver: () => [],
    watches: () => [],
    standbys: () => world.standbys,
    stopping: () => world.stopping,
    cutOff: () => world.cutOff,
    lists: () => world.lists,
    takeBack: (ids: readonly string[]) => void world.takenBack.push(...ids),
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

test('a migration that stops, has stopped or is cut off is reported at once', async () => {
  const { world, sentAfter } = setUp();
  await sentAfter(0);
  world.cutOff = [id];
  assert.equal(await sentAfter(1), true);
  world.stopping = [id];
  assert.equal(await sentAfter(1), true);
  world.stopping = [];
  assert.equal(await sentAfter(1), true);
  assert.deepEqual(
    world.sent.map(({ stopping, cutOff }) => [stopping.length, cutOff.length]),
    [
      [0, 0],
      [0, 1],
      [1, 1],
      [0, 1],
    ],
  );
});

test('the last report says that the agent leaves, and which engines still run', async () => {
  const { world, reporter, sentAfter } = setUp();
  await sentAfter(0);
  world.stopping = [id];
  await reporter.sendLast(never);
  const [first, last] = world.sent;
  assert.deepEqual([last?.leaving, last?.stopping, last?.migrations], [true, [id], []]);
  assert.ok((last?.sequence ?? 0) > (first?.sequence ?? 0));
});

test('a changed state, readiness, validation result or inventory is reported at once', async () => {
  const { world, reporter, sentAfter } = setUp();
  await sentAfter(0);
  world.progress = { ...world.progress, state: 'FOLLOWING' };
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

const collection = (number: number, bytesCopied = 0) => ({
  id: number.toString(16),
  namespace: `shop.c${number}`,
  state: 'COPYING' as const,
  reason: null,
  documentsCopied: 0,
  documentsTotal: 1,
  bytesCopied,
  bytesTotal: 9,
  readOrder: null,
  documentsPerSecond: null,
  bytesPerSecond: null,
});
const collections = (count: number) => Array.from({ length: count }, (_, number) => collection(number));
const withLists = (...all: CurrentLists['collections'][]) =>
  all.map((one) => ({ id, collections: one, mismatches: undefined }));

/** The state of a list that was put together from the parts of some reports. */
function putTogether(sent: readonly Report[]): Map<string, object> {
  const items = new Map<string, object>();
  for (const { migrations } of sent) {
    const part = migrations[0]?.lists?.collections;
    if (part?.part === 0) items.clear();
    for (const item of part?.changed ?? []) items.set(item.id, item);
    for (const gone of part?.removed ?? []) items.delete(gone);
  }
  return items;
}

test('a long list of collections is sent in bounded parts, then only what has changed of it', async () => {
  const { world, sentAfter } = setUp();
  const all = collections(1_200);
  world.lists = withLists(all);
  for (let second = 0; second < 6; second += 1) await sentAfter(1_000);
  const sizes = world.sent.map(({ migrations }) => migrations[0]?.lists?.collections?.changed.length);
  assert.deepEqual(sizes, [500, 500, 200], 'nothing is left to report in the fourth second');
  assert.deepEqual([...putTogether(world.sent).values()], all);
  const [first] = world.sent;
  assert.deepEqual(first?.migrations[0]?.lists?.collections?.total, 1_200);

  world.lists = withLists([...all.slice(1, 700), collection(700, 5), ...all.slice(701)]);
  await sentAfter(10_000);
  const part = world.sent.at(-1)?.migrations[0]?.lists?.collections;
  assert.deepEqual([part?.changed, part?.removed, part?.total], [[collection(700, 5)], ['0'], 1_199]);
  await sentAfter(10_000);
  assert.equal(world.sent.at(-1)?.migrations[0]?.lists, undefined, 'an unchanged list takes no room in a report');
});

test('the lists of many migrations share the room of a report, however long their items are', async () => {
  const { world, sentAfter } = setUp();
  const long = Array.from({ length: 3 }, (_, at) => ({ ...collection(at), reason: 'x'.repeat(4_000) }));
  world.lists = Array.from({ length: 100 }, () => ({ id: newId(), collections: long, mismatches: undefined }));
  world.migrations = world.lists.map((list) => ({ id: list.id, progress: world.progress }));
  for (let second = 0; second < 4; second += 1) await sentAfter(1_000);
  const parts = world.sent.map(({ migrations }) => migrations.map(({ lists }) => lists?.collections?.changed.length));
  assert.deepEqual(parts.slice(0, 3), Array(3).fill(Array(100).fill(1)));
  const [sent] = world.sent;
  assert.ok(JSON.stringify(sent?.migrations.map(({ lists }) => lists)).length < 512 * 1024);
});

test('what a lost report said of a list is sent again, as it is then', async () => {
  const { world, sentAfter } = setUp();
  world.lists = withLists([collection(1), collection(2)]);
  await sentAfter(0);
  world.lists = withLists([collection(1, 5)]);
  world.answer = () => {
    throw new Error('no connection');
  };
  await assert.rejects(sentAfter(10_000), /no connection/);
  // The control plane may have stored it. Both items are by now as they were before.
  world.lists = withLists([collection(1), collection(2)]);
  world.answer = ({ sequence }) => sequence;
  await sentAfter(0);
  const parts = world.sent.map(({ migrations }) => migrations[0]?.lists?.collections);
  assert.deepEqual(parts[2]?.changed, [collection(1), collection(2)]);
  assert.deepEqual([parts[1]?.part, parts[2]?.part], [1, 1], 'the same part again');
});

test('a list begins anew when the control plane lacks a part of it', async () => {
  const { world, sentAfter } = setUp();
  world.lists = withLists(collections(2));
  await sentAfter(0);
  world.resendLists = [id];
  world.lists = withLists([collection(0), collection(1, 7)]);
  await sentAfter(10_000);
  world.resendLists = [];
  await sentAfter(1_000);
  const parts = world.sent.map(({ migrations }) => migrations[0]?.lists?.collections);
  assert.deepEqual(parts[2]?.changed, [collection(0), collection(1, 7)]);
  assert.equal(parts[2]?.part, 0);
  assert.notEqual(parts[2]?.series, parts[1]?.series);
});

test('a list that the engine does not know yet is not reported', async () => {
  const { world, sentAfter } = setUp();
  world.lists = withLists(undefined);
  await sentAfter(0);
  assert.equal(world.sent[0]?.migrations[0]?.lists, undefined);
});

test('a standby whose leader is silent reports each second, so that the control plane decides at once', async () => {
  const { world, sentAfter } = setUp();
  world.standbys = [{ id, record: 'WRITTEN' }];
  assert.equal(await sentAfter(0), true);
  assert.equal(await sentAfter(1_000), false);
  world.standbys = [{ id, record: 'SILENT' }];
  assert.equal(await sentAfter(0), true);
  assert.equal(await sentAfter(999), false);
  assert.equal(await sentAfter(1), true);
  assert.deepEqual(world.sent.at(-1)?.standbys, [{ id, record: 'SILENT' }]);
});

test('only what the control plane confirms is taken back', async () => {
  const { world, sentAfter } = setUp();
  await sentAfter(0);
  assert.deepEqual(world.takenBack, []);
  world.takeBack = [id];
  await sentAfter(10_000);
  assert.deepEqual(world.takenBack, [id]);
});
