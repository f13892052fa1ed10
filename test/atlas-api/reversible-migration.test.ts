import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../src/contract/index.ts';
import { auditRecordsAfter } from '../../src/control/index.ts';
import { startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, cutoverReport } from './migration-world.ts';
import { FOLLOWING, start } from './reversible-world.ts';

const HOUR_MS = 3_600_000;

/** The direction of an order, and the cutover whose failback it closes. */
function aimOf(order: Order | undefined) {
  return [order?.direction, order?.finish];
}

test('a migration stays assigned after its cutover, goes back and there again, and ends with finish', async () => {
  await using plane = await startControlPlane();
  const { report, ask, show, order, cutOver } = await start(plane);
  assert.deepEqual(
    [(await show()).linkspan.activeSide, (await show()).linkspan.failback?.state],
    ['SOURCE', 'PLANNED'],
  );
  for (const wish of ['reverse', 'finish']) assert.equal((await ask(wish)).json.errorCode, 'FAILBACK_NOT_POSSIBLE');
  await cutOver();
  const followed = await show();
  assert.deepEqual(
    [
      followed.status,
      followed.linkspan.activeSide,
      followed.linkspan.failback?.state,
      followed.linkspan.failback?.ready,
    ],
    ['COMPLETE', 'DESTINATION', 'FOLLOWING', true],
  );
  assert.equal(followed.linkspan.endedAt, null);
  assert.deepEqual(aimOf(await order()), [0, null]);
  assert.equal((await order())?.wanted, 'RUNNING');

  for (let times = 0; times < 2; times += 1) assert.equal((await ask('reverse')).status, 202);
  assert.deepEqual(aimOf(await order()), [1, null]);
  assert.equal((await show()).status, 'WORKING');
  await report(0, { state: 'COMMITTED', canWrite: true }, FOLLOWING);
  assert.deepEqual(
    [(await show()).status, (await show()).readyForCutover],
    ['WORKING', false],
    'a report of the first direction says nothing about the second',
  );
  assert.equal((await ask('cutover')).status, 409);
  assert.equal((await ask('cancel', { body: { dropCopiedData: true } })).json.errorCode, 'FAILBACK_NOT_POSSIBLE');
  await report(1, { state: 'FOLLOWING', readyForCutover: true });
  assert.equal((await ask('cutover')).status, 202);
  assert.equal((await ask('finish')).status, 409, 'users may be on either side by now');
  await report(1, { state: 'COMMITTED', canWrite: true }, FOLLOWING);
  assert.deepEqual([(await show()).status, (await show()).linkspan.activeSide], ['COMPLETE', 'SOURCE']);

  assert.equal((await ask('reverse')).status, 202);
  await report(2, { state: 'FOLLOWING', readyForCutover: true });
  await ask('cutover');
  await report(2, { state: 'COMMITTED', canWrite: true }, FOLLOWING);
  for (let times = 0; times < 2; times += 1) assert.equal((await ask('finish')).status, 202);
  assert.equal((await ask('reverse')).status, 409);
  assert.deepEqual(aimOf(await order()), [2, 2]);
  await report(2, { state: 'COMMITTED' }, { state: 'CLOSED' });
  const ended = await show();
  assert.deepEqual([ended.status, ended.linkspan.failback?.state], ['COMPLETE', 'CLOSED']);
  assert.match(ended.linkspan.failback?.warnings.join() ?? '', /^The source stays blocked.*setUserWriteBlockMode: 1/);
  assert.equal(await order(), undefined);
  assert.equal((await ask('finish')).status, 202, 'repeating it is harmless');
});

// id: failback-waits-for-agent
test('a requested failback waits for its agent by name until the agent begins it, whether the agent is heard or not', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { agent, report, ask, show, cutOver } = await start(plane);
  await cutOver();
  clock.nowMs += 5_000;
  assert.equal((await ask('reverse')).status, 202);
  const waits = async () => (await show()).linkspan.waiting.map((wait) => [wait.for, wait.reason]);
  const notBegun = [['the agent on host-1', 'it has not begun the requested failback yet.']];
  assert.deepEqual(await waits(), notBegun, 'the agent is down, and its silence is short');
  clock.nowMs += 26_000;
  assert.deepEqual(await waits(), [['the agent on host-1', 'it has not reported since.']]);
  await agent.report({});
  assert.deepEqual(await waits(), notBegun, 'it is back, and has no orders yet');
  await report(0, { state: 'COMMITTED', canWrite: true }, FOLLOWING);
  assert.deepEqual(await waits(), notBegun, 'it reports the cutover before');
  await report(1, { state: 'PREPARING' });
  assert.deepEqual(await waits(), []);
});

test('a failback that is ready leaves one record for each cutover, with the side that has the users', async () => {
  await using plane = await startControlPlane();
  const { report, ask, show, cutOver } = await start(plane);
  const records = async () => {
    const names = ['LIVE_MIGRATION_COMPLETE', 'LIVE_MIGRATION_REVERSE_READY'];
    const found = (await auditRecordsAfter(plane.store, 0, 1_000)).filter(({ eventTypeName }) =>
      names.includes(eventTypeName),
    );
    return found.map(({ eventTypeName, details }) =>
      [eventTypeName.replace('LIVE_MIGRATION_', ''), details.activeSide].filter(Boolean).join(' '),
    );
  };
  const committed = { state: 'COMMITTED', canWrite: true } as const;
  await report(0, { state: 'FOLLOWING', readyForCutover: true });
  await ask('cutover');
  await report(0, committed, { state: 'PREPARING' });
  await report(0, committed, { ...FOLLOWING, ready: false });
  assert.deepEqual(await records(), ['COMPLETE']);
  const first = ['COMPLETE', 'REVERSE_READY DESTINATION'];
  await report(0, committed, FOLLOWING);
  assert.deepEqual(await records(), first);
  await report(0, { state: 'CREATED', since: null });
  await report(0, committed, { state: 'PREPARING' });
  await report(0, committed, FOLLOWING);
  await ask('reverse');
  await report(1, { state: 'FOLLOWING', readyForCutover: true });
  assert.deepEqual(await records(), first, 'also after a restart of the agent, and when it is requested');

  await ask('cutover');
  await report(1, committed, { ...FOLLOWING, ready: false });
  await ask('reverse');
  await report(2, { state: 'FOLLOWING', readyForCutover: false });
  const second = [...first, 'COMPLETE'];
  assert.deepEqual(await records(), second);
  await report(2, { state: 'FOLLOWING', readyForCutover: true });
  assert.deepEqual(await records(), [...second, 'REVERSE_READY SOURCE'], 'it was requested before it was ready');
  await ask('cutover');
  await cutOver();
  assert.equal((await show()).status, 'WORKING', 'a report of the first direction says nothing about the third');
  await report(2, committed, FOLLOWING);
  assert.deepEqual(await records(), [...second, 'REVERSE_READY SOURCE', 'COMPLETE', 'REVERSE_READY DESTINATION']);
});

test('a finish gives up a reversal that has not cut over, and users stay', async () => {
  await using plane = await startControlPlane();
  const { report, ask, show, cutOver } = await start(plane);
  await cutOver();
  await ask('reverse');
  await report(1, { state: 'FOLLOWING', readyForCutover: true });
  assert.equal((await ask('finish')).status, 202);
  for (const wish of ['cutover', 'pause'])
    assert.equal((await ask(wish)).json.errorCode, 'LIVE_MIGRATION_DECIDED', wish);
  await report(1, { state: 'CANCELLED' });
  assert.equal((await show()).linkspan.endedAt, null, 'the end is not on record yet');
  await report(0, { state: 'COMMITTED' }, { state: 'CLOSED' });
  const { status, linkspan } = await show();
  assert.deepEqual([status, linkspan.activeSide, linkspan.failback?.state], ['COMPLETE', 'DESTINATION', 'CLOSED']);
});

test('a finish of a reversal that has cut over unseen closes nothing, and the failback of the return stays open', async () => {
  await using plane = await startControlPlane();
  const { report, ask, show, order, cutOver } = await start(plane);
  await cutOver();
  await ask('reverse');
  await report(1, { state: 'FOLLOWING', readyForCutover: true });
  await ask('cutover');
  assert.equal((await ask('abortCutover')).status, 202);
  assert.equal((await ask('finish')).status, 202);
  assert.deepEqual(aimOf(await order()), [1, 0]);
  await report(1, { state: 'COMMITTED', canWrite: true }, FOLLOWING);
  const { status, linkspan } = await show();
  assert.deepEqual([status, linkspan.activeSide, linkspan.failback?.state], ['COMPLETE', 'SOURCE', 'FOLLOWING']);
  assert.deepEqual(aimOf(await order()), [1, null]);
  assert.equal((await ask('finish')).status, 202);
  assert.deepEqual(aimOf(await order()), [1, 1]);
});

test('a failback that was closed while the old source was lost ends, although the agent could not open the migration', async () => {
  for (const isReversed of [false, true]) {
    await using plane = await startControlPlane();
    const { report, ask, show, order, cutOver } = await start(plane);
    await cutOver();
    if (isReversed) {
      await ask('reverse');
      await report(1, { state: 'FOLLOWING', readyForCutover: true });
    }
    await ask('finish');
    assert.equal(aimOf(await order())[1], 0);
    if (isReversed) {
      await report(1, { state: 'CREATED', since: null }, { state: 'CLOSED' });
      assert.equal((await show()).status, 'WORKING', 'the return has not cut over, so it has no failback to close');
    }
    await report(0, { state: 'CREATED', since: null }, { state: 'CLOSED' });
    const { status, linkspan } = await show();
    assert.deepEqual([status, linkspan.activeSide, linkspan.failback?.state], ['COMPLETE', 'DESTINATION', 'CLOSED']);
    assert.notEqual(linkspan.endedAt, null);
    assert.equal(await order(), undefined);
  }
});

test('an agent that restarts after the cutover changes nothing, and is not ready before it follows again', async () => {
  await using plane = await startControlPlane();
  const { report, show, cutOver } = await start(plane);
  await cutOver();
  await report(0, { state: 'CREATED', since: null });
  const { status, linkspan } = await show();
  assert.deepEqual([status, linkspan.failback?.state, linkspan.failback?.ready], ['COMPLETE', 'PREPARING', false]);
});

test('a failed failback leaves the cutover as it is: it can be finished, or resumes, but is not reversed', async () => {
  await using plane = await startControlPlane();
  const { report, ask, show, cutOver } = await start(plane);
  await cutOver();
  const error = { code: 'FAILBACK_LOST', message: 'No way.', remedy: 'Stay.' };
  await report(0, { state: 'COMMITTED' }, { state: 'FAILED', error });
  const { status, linkspan } = await show();
  assert.deepEqual([status, linkspan.failback?.state, linkspan.failback?.error], ['COMPLETE', 'FAILED', error]);
  assert.match(String((await ask('reverse')).json.detail), /No way\./);
  await report(0, { state: 'COMMITTED' }, FOLLOWING);
  assert.equal((await ask('reverse')).status, 202);
  await report(0, { state: 'COMMITTED' }, { state: 'FAILED', error });
  assert.equal((await show()).status, 'COMPLETE', 'the engine had not begun the reversal');
  await report(0, { state: 'FAILED', error });
  assert.equal((await show()).status, 'COMPLETE');
  assert.equal((await ask('finish')).status, 202);
});

// id: lost-record-ends-by-finish-or-cancel
test('a migration whose cutover has lost its record says so, and ends by a finish or a cancel', async () => {
  const error = { code: 'CUTOVER_RECORD_LOST', message: 'The record is gone.', remedy: 'Stay.' };
  const inProcess = { state: 'FAILED', error };
  const isLost = async ({ show, order }: Awaited<ReturnType<typeof start>>) => {
    const { status, errorMessage, linkspan } = await show();
    assert.deepEqual([status, linkspan.activeSide, linkspan.failback?.state], ['COMPLETE', 'DESTINATION', 'LOST']);
    assert.match(errorMessage ?? '', /^The record is gone\. The source stays blocked .*setUserWriteBlockMode: 1/);
    assert.notEqual(linkspan.endedAt, null);
    assert.equal(await order(), undefined);
  };
  for (const happens of ['finish', 'finish after a restart', 'finish of a reversal', 'cancel'] as const) {
    await using plane = await startControlPlane();
    const world = await start(plane);
    const { report, ask, show, cutOver } = world;
    await cutOver();
    assert.equal((await ask('cancel', { body: { dropCopiedData: true } })).json.errorCode, 'FAILBACK_NOT_POSSIBLE');
    if (happens === 'finish of a reversal') await ask('reverse');
    if (happens === 'cancel') await report(0, { state: 'FAILED', error });
    else await ask('finish');
    if (happens === 'cancel') {
      assert.deepEqual((await show()).linkspan.failback?.error, error);
      assert.equal((await ask('cancel', { body: { dropCopiedData: true } })).status, 202);
    } else if (happens === 'finish after a restart') await report(0, { state: 'FAILED', error });
    else await report(0, { state: 'COMMITTED' }, inProcess);
    await isLost(world);
  }
});

test('a commit that the control plane learns of by the loss of its record is complete, or ends when it was cancelled', async () => {
  const error = { code: 'CUTOVER_RECORD_LOST', message: 'The record is gone.', remedy: 'Stay.' };
  for (const wish of ['cutover', 'cancel']) {
    await using plane = await startControlPlane();
    const { report, ask, show } = await start(plane);
    await report(0, { state: 'FOLLOWING', readyForCutover: true });
    assert.equal((await ask(wish, wish === 'cancel' ? { body: { dropCopiedData: true } } : {})).status, 202);
    await report(0, { state: 'FAILED', since: null, error });
    const { status, linkspan } = await show();
    const expected = ['COMPLETE', 'DESTINATION', wish === 'cancel' ? 'LOST' : 'FAILED'];
    assert.deepEqual([status, linkspan.activeSide, linkspan.failback?.state], expected);
  }
});

test('the report of a cutover names what removes the failback only once that is closed', async () => {
  await using plane = await startControlPlane();
  const { report, ask, id, path, cutOver } = await start(plane);
  const shown = async () => {
    const { json } = await plane.api('GET', `${path}/${id}/cutoverReport`);
    return [json.blocked, json.cleanup];
  };
  await cutOver();
  const known = cutoverReport('a warning');
  await report(0, { state: 'COMMITTED', cutoverReport: known }, FOLLOWING);
  assert.deepEqual(await shown(), [[{ what: 'the source' }], []]);
  await ask('finish');
  await report(0, { state: 'COMMITTED', cutoverReport: known }, { state: 'CLOSED' });
  assert.deepEqual(await shown(), [known.blocked, known.cleanup]);
});

// id: order-loses-permission-to-drop
test('an order loses the permission to drop with the request for a cutover', async () => {
  await using plane = await startControlPlane();
  const { report, ask, assigned, id } = await start(plane, { dropDestinationData: true });
  await report(0, { state: 'FOLLOWING', readyForCutover: true });
  const mayDrop = async () => (await assigned())?.assignment.dropDestination;
  assert.equal(await mayDrop(), true);
  await ask('cutover');
  assert.equal(await mayDrop(), false, id);
  await report(0, { state: 'COMMITTED', canWrite: true }, FOLLOWING);
  assert.equal(await mayDrop(), false);
  await ask('reverse');
  assert.equal(await mayDrop(), false);
});

test('a reversal that fails says where the users are, and how to lift the block of the other side', async () => {
  await using plane = await startControlPlane();
  const { report, ask, show, cutOver } = await start(plane);
  await cutOver();
  await ask('reverse');
  await report(1, { state: 'FAILED', error: { code: 'X', message: 'Broken.', remedy: 'Fix.' } });
  const { status, errorMessage } = await show();
  assert.equal(status, 'FAILED');
  assert.match(errorMessage ?? '', /^Broken\. Fix\. Users stay on the destination\. The source stays blocked/);
});

test('while the failback of a migration is open, no other one begins into its destination', async () => {
  await using plane = await startControlPlane();
  const { path, groupId, cutOver, id } = await start(plane);
  await cutOver();
  const taken = await plane.api('POST', path, { body: cliBody(groupId) });
  assert.equal(taken.json.errorCode, 'CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT');
  assert.match(String(taken.json.detail), new RegExp(id));
});

test('a confirmation of drops counts for one direction', async () => {
  await using plane = await startControlPlane();
  const { ask, show, order, cutOver, report } = await start(plane);
  await report(0, { state: 'FOLLOWING' });
  const confirmed = async () => (await order())?.drops;
  const shown = async () => (await show()).linkspan.dropsConfirmed;
  await ask('confirmDrops');
  assert.equal((await confirmed())?.direction, 0);
  assert.equal(await shown(), true);
  await cutOver();
  assert.equal((await confirmed())?.direction, 0, 'it is still about the first direction');
  assert.equal(await shown(), false);
  assert.equal((await ask('confirmDrops')).status, 200);
  const second = await confirmed();
  assert.equal(second?.direction, 1);
  assert.equal(await shown(), true);
  await ask('confirmDrops');
  const third = await confirmed();
  assert.ok(third && third.confirmed > second.confirmed, 'a repeated confirmation is a new one');
});

test('revoking the link of the agent loses the failback, keeps the cutover, and says what stays blocked', async () => {
  await using plane = await startControlPlane();
  const { show, cutOver, ask } = await start(plane);
  await cutOver();
  const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
  const [link] = (await plane.api<{ results: { id: string }[] } & Record<string, unknown>>('GET', links)).json.results;
  await plane.api('DELETE', `${links}/${link?.id}`);
  const { status, errorMessage, linkspan } = await show();
  assert.deepEqual([status, linkspan.failback?.state, linkspan.activeSide], ['COMPLETE', 'LOST', 'DESTINATION']);
  assert.match(errorMessage ?? '', /failback is lost\. The source stays blocked.*setUserWriteBlockMode: 1/);
  for (const wish of ['reverse', 'finish']) assert.equal((await ask(wish)).status, 409);
});

test('a failback has no end of its own, and warns when it is open for 120 hours', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { show, cutOver, report } = await start(plane);
  await cutOver();
  const warnings = async () => (await show()).linkspan.failback?.warnings.join() ?? '';
  clock.nowMs += 119 * HOUR_MS;
  assert.equal(await warnings(), '');
  clock.nowMs += 2 * HOUR_MS;
  await report(0, { state: 'COMMITTED' }, FOLLOWING);
  assert.match(await warnings(), /open for 121 h.*linkspan migration finish/);
  assert.equal((await show()).linkspan.failback?.state, 'FOLLOWING');
});

test('a failback that its agent leaves out of its reports is not ready, and its lag is not known', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { agent, show, cutOver } = await start(plane);
  await cutOver();
  const shown = async () => {
    const { ready, lagSeconds } = (await show()).linkspan.failback ?? {};
    return [ready, lagSeconds];
  };
  assert.deepEqual(await shown(), [true, 1]);
  clock.nowMs += 26_000;
  await agent.report({});
  assert.deepEqual(await shown(), [false, null]);
});
