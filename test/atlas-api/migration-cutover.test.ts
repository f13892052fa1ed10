import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf, type Order } from '../../src/contract/index.ts';
import { auditRecordsAfter, expireMigrations, findAuditRecords } from '../../src/control/index.ts';
import { startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cutoverReport } from './migration-world.ts';
import { start } from './started-migration.ts';

/** One hour more than a cutover window. */
const AFTER_WINDOW_MS = 121 * 3_600_000;
const READY = { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] } as const;

test('an abort and a rehearsal of a cutover reach the agent, and GET shows when both have ended', async () => {
  await using plane = await startControlPlane();
  const { report, show, ask, wanted } = await start(plane);
  const told = async () => ((await wanted()) as { order: Order }[])[0]?.order;
  assert.equal((await ask('rehearseCutover')).json.errorCode, 'CUTOVER_NOT_READY');
  await report(READY);
  assert.equal((await ask('rehearseCutover')).status, 202);
  const rehearsal = (await told())?.rehearsal;
  assert.equal((await show()).linkspan.rehearsalId, rehearsal);
  assert.equal((await ask('abortCutover')).status, 202);
  assert.deepEqual([(await told())?.wanted, (await told())?.abort], ['RUNNING', null]);
  assert.equal((await ask('cutover')).status, 202);
  assert.match(String((await ask('rehearseCutover')).json.detail), /its cutover has started/);
  assert.equal((await ask('abortCutover')).status, 202);
  const { wanted: state, abort } = (await told()) ?? {};
  assert.equal(state, 'RUNNING');
  const isDone = async () => ((await show()).linkspan.cutoverAbort as { readonly isDone: boolean }).isDone;
  assert.equal(await isDone(), false);
  await report({ ...READY, cutoverAborted: Number(abort) });
  assert.equal(await isDone(), true);
  assert.equal((await ask('cutover')).status, 202);
  await report({ state: 'COMMITTING', cutoverReport: cutoverReport('a warning') });
  assert.deepEqual(
    [(await ask('abortCutover')).status, (await ask('abortCutover')).json.errorCode],
    [409, 'CUTOVER_COMMITTED'],
  );
});

// id: fails-past-no-return
test('a failure past the point of no return ends nothing: the message says who finishes the cutover, and one event tells it', async () => {
  await using plane = await startControlPlane();
  const { report, show, ask, wanted } = await start(plane);
  await report(READY);
  await ask('cutover');
  const error = { code: 'X', message: 'It broke.', remedy: 'Mend it.' };
  const committed = { since: dateOf(1), cutoverReport: cutoverReport('a warning') } as const;
  await report({ ...committed, state: 'COMMITTING' });
  for (let times = 0; times < 2; times += 1) await report({ ...committed, state: 'FAILED', error });
  const { status, errorMessage, readyForCutover } = await show();
  assert.deepEqual([status, readyForCutover], ['WORKING', false]);
  assert.match(
    String(errorMessage),
    /^It broke\. Mend it\. .* the destination is the primary copy, and both sides refuse writes\. .* restart the agent on host-1/,
  );
  assert.equal(((await wanted()) as { order: Order }[])[0]?.order.wanted, 'CUTOVER', 'the agent keeps its order');
  await report({ state: 'FAILED', since: null, error });
  assert.equal((await show()).status, 'WORKING', 'the next run failed before it had read the records');
  await report({ ...committed, state: 'FAILED', canWrite: true, error });
  assert.match(String((await show()).errorMessage), /users can write to the destination/);
  await report({ ...committed, state: 'COMMITTED', canWrite: true });
  const ended = await show();
  assert.deepEqual([ended.status, ended.errorMessage], ['COMPLETE', undefined]);
  const told = (await auditRecordsAfter(plane.store, 0, 1_000)).map(({ eventTypeName }) => eventTypeName);
  assert.equal(told.filter((name) => name === 'LIVE_MIGRATION_CUTOVER_UNFINISHED').length, 2, 'one for each message');
  assert.ok(!told.includes('LIVE_MIGRATION_FAILED'));
});

test('revoking the link in an unfinished cutover never advises to open the source', async () => {
  await using plane = await startControlPlane();
  const { report, show, ask } = await start(plane);
  await report(READY);
  await ask('cutover');
  await report({ state: 'COMMITTING', cutoverReport: cutoverReport('a warning') });
  const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
  const [link] = (await plane.api<{ results: { id: string }[] } & Record<string, unknown>>('GET', links)).json.results;
  await plane.api('DELETE', `${links}/${link?.id}`);
  const { status, errorMessage } = await show();
  assert.equal(status, 'FAILED');
  assert.match(String(errorMessage), /destination is the primary copy\. Do not lift the write block of the source\./);
});

test('the report of a cutover is there from its point of no return on, cleaned of what a terminal would obey', async () => {
  await using plane = await startControlPlane();
  const { path, id, report } = await start(plane);
  const get = () => plane.api('GET', `${path}/${id}/cutoverReport`);
  await report(READY);
  assert.deepEqual([(await get()).status, (await get()).json.errorCode], [409, 'CUTOVER_REPORT_MISSING']);
  let deep: unknown = 'deep';
  for (let n = 0; n < 2_000; n += 1) deep = [deep];
  await report({ ...READY, cutoverReport: deep as never });
  assert.equal((await get()).json.errorCode, 'CUTOVER_REPORT_MISSING');
  await report({ state: 'COMMITTED', cutoverReport: cutoverReport('a \u001b[2Jwarning') });
  assert.deepEqual((await get()).json, { ...cutoverReport('a \ufffd[2Jwarning'), problems: [] });
});

test('the end of the window waits for the answer to an abort, because the agent may have committed', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { id, report, show, ask, wanted } = await start(plane);
  const isKept = async () => {
    assert.equal(await expireMigrations(plane.control), 0);
    assert.equal((await show()).status, 'WORKING');
    assert.equal((await wanted()).length, 1, 'the agent keeps its order');
  };
  await report(READY);
  await ask('cutover');
  await ask('abortCutover');
  const abort = async () => (await plane.store.get('migrations', id))?.state.order.abort ?? undefined;
  const earlier = await abort();
  clock.nowMs += 1;
  await ask('cutover');
  await ask('abortCutover');
  clock.nowMs += AFTER_WINDOW_MS;
  await isKept();
  await report({ ...READY, cutoverAborted: earlier });
  await isKept();
  await report({ ...READY, cutoverAborted: await abort() });
  assert.equal(await expireMigrations(plane.control), 1);
  assert.equal((await show()).status, 'EXPIRED');
});

test('an abort that comes after the commit does not let the window end the cutover', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { report, show, ask, wanted } = await start(plane);
  await report(READY);
  await ask('cutover');
  await ask('abortCutover');
  await report({ state: 'COMMITTING', cutoverReport: cutoverReport('a warning') });
  clock.nowMs += AFTER_WINDOW_MS;
  assert.equal(await expireMigrations(plane.control), 0);
  assert.equal((await wanted()).length, 1, 'the agent keeps its order');
  assert.equal((await ask('abortCutover')).json.errorCode, 'CUTOVER_COMMITTED');
  await report({ state: 'COMMITTED', canWrite: true, cutoverReport: cutoverReport('a warning') });
  assert.equal((await show()).status, 'COMPLETE');
});

test('an agent that fails before it has read the records keeps its order, when it may have committed', async () => {
  const error = { code: 'X', message: 'It broke.', remedy: 'Mend it.' };
  const unread = { state: 'FAILED', since: null, error } as const;
  for (const request of ['none', 'abortCutover', 'cancel']) {
    await using plane = await startControlPlane();
    const { id, report, show, ask, wanted } = await start(plane);
    await report(READY);
    await ask('cutover');
    if (request !== 'none') await ask(request);
    await report(unread);
    const { status, errorMessage } = await show();
    assert.equal(status, 'WORKING', request);
    assert.match(
      String(errorMessage),
      /^It broke\. Mend it\. The cutover may be past its point of no return.* restart the agent on host-1/,
    );
    assert.equal((await wanted()).length, 1, 'the agent keeps its order');
    if (request === 'cancel') continue;
    await report(READY);
    assert.equal((await show()).errorMessage, undefined, 'the agent has restarted');
    if (request === 'none') continue;
    await report({
      ...READY,
      cutoverAborted: (await plane.store.get('migrations', id))?.state.order.abort ?? undefined,
    });
    await report({ state: 'CREATED', since: null });
    await report(unread);
    assert.equal((await show()).status, 'FAILED', 'no commit can follow the answer to an abort');
  }
});

test('an agent that fails while it waits for the answer to its commit keeps its order', async () => {
  await using plane = await startControlPlane();
  const { report, show, ask, wanted } = await start(plane);
  await report(READY);
  await ask('cutover');
  const error = { code: 'X', message: 'It broke.', remedy: 'Mend it.' };
  const cutover = { requestedAt: dateOf(1), blocking: true, commitSent: true };
  await report({ ...READY, state: 'FAILED', error, cutover });
  const { status, errorMessage } = await show();
  assert.equal(status, 'WORKING');
  assert.match(String(errorMessage), /may be past its point of no return.* Do not lift a write block/);
  assert.equal((await wanted()).length, 1);
  await report({ ...READY, state: 'FAILED', error, cutover: { requestedAt: dateOf(1), blocking: false } });
  assert.equal((await show()).status, 'FAILED', 'the source was opened, so nothing was committed');
});

test('an agent that reports another failure each time writes 60 records an hour', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { report, ask } = await start(plane);
  await report(READY);
  await ask('cutover');
  const cutover = { requestedAt: dateOf(1), blocking: true, commitSent: true };
  const fail = (n: number) =>
    report({ ...READY, state: 'FAILED', error: { code: 'X', message: `It broke ${n}.`, remedy: '' }, cutover });
  const failures = async () => {
    const filter = { orgId: plane.orgId, eventTypeNames: ['LIVE_MIGRATION_CUTOVER_UNFINISHED'] };
    return await findAuditRecords(plane.store, filter, { limit: 200 });
  };
  for (let n = 0; n < 80; n += 1) await fail(n);
  // The first report of all has two more.
  assert.equal((await failures()).length, 58);
  clock.nowMs += 3_600_000;
  await fail(80);
  const [newest] = await failures();
  assert.equal(newest?.details.leftOut, 22);
});

test('an abort or a cancellation that comes after the commit does not let a failure end the cutover', async () => {
  const error = { code: 'X', message: 'It broke.', remedy: 'Mend it.' };
  for (const request of ['abortCutover', 'cancel']) {
    await using plane = await startControlPlane();
    const { report, show, ask, wanted } = await start(plane);
    await report(READY);
    await ask('cutover');
    await ask(request);
    await report({ state: 'COMMITTING', since: dateOf(1), cutoverReport: cutoverReport('a warning') });
    await report({ state: 'FAILED', since: null, error });
    assert.equal((await show()).status, 'WORKING', request);
    assert.match(String((await show()).errorMessage), /is past its point of no return/);
    assert.equal(((await wanted()) as { order: Order }[])[0]?.order.wanted, 'CUTOVER', 'the agent keeps its order');
  }
});

test('revoking the link in a cutover that may be committed advises to look at the records before a block is lifted', async () => {
  for (const request of ['none', 'abortCutover', 'cancel']) {
    await using plane = await startControlPlane();
    const { report, show, ask } = await start(plane);
    await report(READY);
    await ask('cutover');
    await report({ state: 'COMMITTING', cutover: { requestedAt: dateOf(1), blocking: true } });
    if (request !== 'none') await ask(request);
    const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
    const [link] = (await plane.api<{ results: { id: string }[] } & Record<string, unknown>>('GET', links)).json
      .results;
    await plane.api('DELETE', `${links}/${link?.id}`);
    const { status, errorMessage } = await show();
    assert.equal(status, 'FAILED');
    assert.match(String(errorMessage), /may be past its point of no return.* linkspan cleanup .*--dry-run/, request);
    assert.doesNotMatch(String(errorMessage), /setUserWriteBlockMode/);
  }
});
