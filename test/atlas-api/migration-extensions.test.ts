import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf, FIRST_ORDER } from '../../src/contract/index.ts';
import { expireMigrations } from '../../src/control/index.ts';
import { notYetRunning } from '../../src/engine/report/not-yet-running.ts';
import { verificationProgress } from '../../src/engine/report/verification-progress.ts';
import { onFailpoint } from '../../src/platform/index.ts';
import { linkAgent, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { addOrganization, type Page, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, prepare } from './migration-world.ts';
import { start } from './started-migration.ts';

const HOUR_MS = 3_600_000;
const READY = { state: 'FOLLOWING', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] } as const;

test('a migration without a cutover within 120 hours of its readiness is EXPIRED, and its agent gets no more orders', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { id, report, show, wanted } = await start(plane);
  await report(READY);
  assert.equal((await show()).linkspan.cutoverWindowEndsAt, '2026-11-06T12:00:00Z');
  clock.nowMs += 120 * HOUR_MS - 1;
  assert.equal(await expireMigrations(plane.control), 0);
  await report(READY);
  assert.equal((await show()).readyForCutover, true);
  clock.nowMs += 1;
  assert.equal(await expireMigrations(plane.control), 1);
  const { status, readyForCutover, lagTimeSeconds } = await show();
  assert.deepEqual([status, readyForCutover, lagTimeSeconds], ['EXPIRED', undefined, undefined]);
  assert.deepEqual(await wanted(), []);
  assert.equal((await plane.store.get('migrations', id))?.password, null);
  const late = await plane.api(
    'PUT',
    `/api/atlas/v2/groups/${(await plane.store.get('migrations', id))?.groupId}/liveMigrations/${id}/cutover`,
  );
  assert.equal(late.json.errorCode, 'CUTOVER_AFTER_END');
});

test('the cutover window can be extended before it ends, and a cutover after its end is refused', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { report, show, ask } = await start(plane);
  assert.equal((await ask('cutoverWindow', { hours: 24 })).json.errorCode, 'CUTOVER_WINDOW_NOT_OPEN');
  await report(READY);
  const shorter = await ask('cutoverWindow', { hours: 1 });
  assert.equal(shorter.status, 200);
  assert.equal((await show()).linkspan.cutoverWindowEndsAt, '2026-11-06T12:00:00Z');
  clock.nowMs += 119 * HOUR_MS;
  await ask('cutoverWindow', { hours: 24 });
  assert.equal((await show()).linkspan.cutoverWindowEndsAt, '2026-11-07T11:00:00Z');
  clock.nowMs += 24 * HOUR_MS;
  await report(READY);
  const late = await ask('cutover');
  assert.equal(late.json.errorCode, 'CUTOVER_NOT_READY');
  assert.match(String(late.json.detail), /its cutover window has expired\.$/);
});

const windows = [{ days: ['SAT'], from: '22:00', to: '06:00', timeZone: 'Europe/Berlin', maxMegabytesPerSecond: null }];

test('pause, resume, load level and the confirmation of drops reach the agent, also repeatedly, and GET shows what is wanted', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { report, show, ask, wanted } = await start(plane);
  assert.deepEqual(await wanted(), [{ order: FIRST_ORDER }]);
  for (let times = 0; times < 2; times += 1) {
    assert.equal((await ask('pause')).status, 202);
    assert.equal((await ask('loadLevel', { loadLevel: 1 })).status, 200);
    assert.equal((await ask('copyRate', { maxMegabytesPerSecond: 2.5 })).status, 200);
    assert.equal((await ask('loadWindows', { windows })).status, 200);
    assert.equal((await ask('confirmDrops')).status, 200);
    // Each confirmation has a larger number, also in the same millisecond.
    const drops = { direction: 0, confirmed: clock.nowMs + times };
    const change = { wanted: 'PAUSED', loadLevel: 1, copyBytesPerSecond: 2_500_000, windows, drops };
    assert.deepEqual(await wanted(), [{ order: { ...FIRST_ORDER, ...change, revision: 5 + times } }]);
  }
  await report({ ...READY, state: 'PAUSED' });
  const paused = await show();
  assert.deepEqual([paused.status, paused.readyForCutover], ['WORKING', false]);
  assert.deepEqual([paused.linkspan.wanted, paused.linkspan.loadLevel], ['PAUSED', 1]);
  assert.deepEqual(paused.linkspan.loadWindows, windows);
  assert.equal(paused.linkspan.dropsConfirmed, true);
  const cutover = await ask('cutover');
  assert.match(String(cutover.json.detail), /is not ready for cutover: it is paused\.$/);
  assert.equal((await ask('resume')).status, 202);
  const drops = { direction: 0, confirmed: clock.nowMs + 1 };
  const change = { loadLevel: 1, copyBytesPerSecond: 2_500_000, windows, drops };
  assert.deepEqual(await wanted(), [{ order: { ...FIRST_ORDER, ...change, revision: 7 } }]);
  await report(READY);
  assert.equal((await ask('cutover')).status, 202);
  for (const wish of ['pause', 'resume']) assert.equal((await ask(wish)).json.errorCode, 'LIVE_MIGRATION_DECIDED');
});

test('a cancelled migration is FAILED after its agent has stopped it, reports what happened to the data, and the next one can start', async () => {
  await using plane = await startControlPlane();
  const { report, show, ask, wanted, path, groupId } = await start(plane);
  await report({});
  assert.equal((await ask('cancel', {})).json.errorCode, 'MISSING_ATTRIBUTE');
  const asked = await ask('cancel', { dropCopiedData: true });
  assert.deepEqual([asked.status, asked.json.status], [202, 'WORKING']);
  const cancelled = { ...FIRST_ORDER, wanted: 'CANCELLED', drop: true, revision: 1 };
  assert.deepEqual(await wanted(), [{ order: cancelled }]);
  assert.equal((await ask('pause')).json.errorCode, 'LIVE_MIGRATION_DECIDED');
  await report({ state: 'CANCELLED' });
  const { status, errorMessage, linkspan } = await show();
  const error = {
    code: 'MIGRATION_CANCELLED',
    message: 'The migration was cancelled; the copied data was dropped.',
    remedy: 'Create another one to migrate after all.',
  };
  assert.deepEqual([status, linkspan.error], ['FAILED', error]);
  assert.equal(errorMessage, `${error.message} ${error.remedy}`);
  for (const [wish, body] of [
    ['cancel', { dropCopiedData: false }],
    ['pause', undefined],
    ['loadLevel', { loadLevel: 2 }],
  ] as const) {
    assert.equal((await ask(wish, body)).json.errorCode, 'LIVE_MIGRATION_ENDED', wish);
  }
  assert.equal((await plane.api('POST', path, { body: cliBody(groupId) })).status, 201);
});

test('a migration that is cancelled before its agent got it ends at once, and no agent ever gets it', async () => {
  await using plane = await startControlPlane();
  const {
    id,
    show,
    ask,
    wanted,
    path,
    groupId,
    plane: { api, orgId },
  } = await start(plane);
  const asked = await ask('cancel', { dropCopiedData: false });
  assert.deepEqual([asked.status, asked.json.status], [202, 'FAILED']);
  assert.match(String((await show()).errorMessage), /cancelled; its agent never got the order, so nothing was copied/);
  assert.deepEqual(await wanted(), []);
  assert.equal((await plane.store.get('migrations', id))?.password, null);
  assert.equal((await api('POST', path, { body: cliBody(groupId) })).status, 201);
  const events = await api<Page<unknown>>('GET', `/api/atlas/v2/orgs/${orgId}/events?eventType=LIVE_MIGRATION_FAILED`);
  assert.equal(events.json.results.length, 1);
});

test('when an agent polls during a cancellation, either it gets the migration or the migration ends at once, never both', async () => {
  await using plane = await startControlPlane();
  const { show, ask, wanted } = await start(plane);
  let told: object[];
  {
    using _ = onFailpoint('control.order.sent', async () => {
      assert.equal((await ask('cancel', { dropCopiedData: false })).json.status, 'NEW');
    });
    told = await wanted();
  }
  assert.equal(told.length, 1);
  const { status, linkspan } = await show();
  assert.deepEqual([status, linkspan.wanted], ['NEW', 'CANCELLED']);
});

test('a migration or a validation for a lost agent is refused with the time of its last request', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { agent, path, groupId } = await prepare(plane);
  const seen = new Date(clock.nowMs).toISOString();
  clock.nowMs += 25_001;
  for (const place of [path, `${path}/validate`]) {
    const refused = await plane.api('POST', place, { body: cliBody(groupId) });
    assert.deepEqual([refused.status, refused.json.errorCode], [409, 'MIGRATION_HOST_LOST'], place);
    assert.match(String(refused.json.detail), new RegExp(`host-1 is lost: Linkspan last heard from it at ${seen}`));
  }
  await agent.report({});
  assert.equal((await plane.api('POST', path, { body: cliBody(groupId) })).status, 201);
});

test('a migration shows the last request of its agent and why it waits, until it has ended', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { report, show, ask, wanted } = await start(plane);
  await wanted();
  assert.deepEqual((await show()).linkspan.agent, { status: 'CONNECTED', lastSeen: '2026-11-01T12:00:00Z' });
  assert.deepEqual((await show()).linkspan.waiting, []);
  const wait = { for: 'the source', since: dateOf(0), reason: 'it is out of reach' };
  await report({ waiting: [wait] });
  clock.nowMs += 26_000;
  const silent = {
    for: 'the agent on host-1',
    since: '2026-11-01T12:00:00.000Z',
    reason: 'it has not reported since.',
  };
  assert.deepEqual((await show()).linkspan.waiting, [silent, wait]);
  assert.deepEqual((await show()).linkspan.agent, { status: 'LOST', lastSeen: '2026-11-01T12:00:00Z' });
  const cancelled = (await ask('cancel', { dropCopiedData: false })).json.linkspan as { waiting: { reason: string }[] };
  assert.match(cancelled.waiting[0]?.reason ?? '', /To end the migration without its agent, revoke the link\.$/);
  await report({ state: 'CANCELLED' });
  const { agent, waiting } = (await show()).linkspan;
  assert.deepEqual([agent, waiting], [null, []]);
});

test('a migration shows the warnings of its preflight while it runs, when its agent restarts and after its end', async () => {
  await using plane = await startControlPlane();
  const { report, show } = await start(plane);
  assert.deepEqual((await show()).linkspan.findings, []);
  const finding = { severity: 'WARNING', code: 'USERS_BYPASS_BLOCK', message: 'root', remedy: 'stop it' } as const;
  await report({ findings: [{ ...finding, concerns: 'CUTOVER' }] });
  const shown = [{ ...finding, concerns: 'CUTOVER' }];
  assert.deepEqual((await show()).linkspan.findings, shown);
  await report({ state: 'CREATED', since: null, findings: [] });
  assert.deepEqual((await show()).linkspan.findings, shown);
  await report({ state: 'COMMITTED', findings: [{ ...finding, concerns: 'CUTOVER' }] });
  assert.deepEqual((await show()).linkspan.findings, shown);
});

test('a wrong request to an extension gets an error that names the attribute, as everywhere in the API', async () => {
  await using plane = await startControlPlane();
  const { ask } = await start(plane);
  const cases: [string, object, string][] = [
    ['loadLevel', { loadLevel: 5 }, 'INVALID_ENUM_VALUE'],
    ['loadLevel', { loadLevel: '1' }, 'INVALID_ENUM_VALUE'],
    ['loadLevel', {}, 'MISSING_ATTRIBUTE'],
    ['copyRate', { maxMegabytesPerSecond: 0 }, 'VALIDATION_ERROR'],
    ['copyRate', {}, 'MISSING_ATTRIBUTE'],
    ['loadWindows', { windows: [{ ...windows[0], timeZone: 'Berlin' }] }, 'INVALID_ATTRIBUTE'],
    ['cutoverWindow', { hours: 0 }, 'VALIDATION_ERROR'],
    ['cutoverWindow', { hours: 1.5 }, 'INVALID_JSON_ATTRIBUTE'],
    ['cutoverWindow', { hours: 721 }, 'VALIDATION_ERROR'],
    ['cancel', { dropCopiedData: 'no' }, 'INVALID_JSON_ATTRIBUTE'],
    ['cancel', { dropCopiedData: true, force: true }, 'INVALID_ATTRIBUTE'],
  ];
  for (const [wish, body, errorCode] of cases) {
    const answer = await ask(wish, body);
    assert.equal(answer.json.errorCode, errorCode, `${wish} ${JSON.stringify(body)}`);
    assert.equal(answer.status, 400);
  }
});

test('GET shows phases, counts and reasons as the agent reported them', async () => {
  await using plane = await startControlPlane();
  const { id, report, show, groupId } = await start(plane);
  assert.equal((await show()).linkspan.progress, null);
  const { source, destination } = (await show()).linkspan;
  assert.deepEqual(
    [source, destination],
    [
      { groupId: SOURCE_PROJECT, clusterName: 'source' },
      { groupId, clusterName: 'C1' },
    ],
  );
  const waiting = [{ for: 'the source', since: dateOf(0), reason: 'it is out of reach' }];
  const oplog = { windowSeconds: 90, leftSeconds: 60, headroomPercent: 66 };
  const repairs = {
    declared: 1,
    reason: 'lost',
    collections: 2,
    collectionsDone: 1,
    documentsCompared: 9,
    keysDiffered: 3,
  };
  const step = { name: 'drain', durationMs: 4, reason: 'a reason', counts: { applied: 3 } } as const;
  const attempt = { number: 1, result: 'POSTPONED', reason: 'late', stoppedMs: 9 } as const;
  await report({
    phases: [{ name: 'COPYING', startedAt: dateOf(0) }],
    oplog,
    repairs: { ...repairs, at: dateOf(0) },
    waiting,
    cutoverAttempts: [{ ...attempt, startedAt: dateOf(0), steps: [{ ...step, startedAt: dateOf(1_000) }] }],
  });
  assert.deepEqual((await show()).linkspan.progress, {
    canWrite: false,
    changes: { applied: 0, duringCopy: 0, queued: 0, read: 0 },
    copy: {
      bytesCopied: 1,
      bytesTotal: 9,
      collectionsDone: 0,
      collectionsQuarantined: 0,
      collectionsTotal: 1,
      documentsCopied: 1,
      documentsTotal: 9,
      partitionsDone: 0,
      partitionsTotal: 1,
      restarts: 0,
    },
    cutoverAttempts: [{ ...attempt, startedAt: dateOf(0), steps: [{ ...step, startedAt: dateOf(1_000) }] }],
    pingMs: { source: 1, destination: 1 },
    etaSeconds: 8,
    indexes: { building: null, built: 0, total: 0 },
    notReadyReasons: ['the initial sync is under way'],
    oplog,
    state: 'COPYING',
    phases: [{ name: 'COPYING', startedAt: dateOf(0) }],
    rates: { bytesPerSecond: 1, changesPerSecond: null, documentsPerSecond: 1 },
    repairs: { ...repairs, at: dateOf(0) },
    since: dateOf(0),
    verification: verificationProgress('REPAIR'),
    waiting: [{ for: 'the source', since: dateOf(0), reason: 'it is out of reach' }],
    warnings: [],
  });
  // The report of a restarted agent that has not opened the migration yet.
  const { copy: nothing } = notYetRunning({ migrationId: id, verification: 'REPAIR' });
  await report({ state: 'CREATED', since: null, copy: nothing, notReadyReasons: ['it is not running'], waiting });
  const { state, copy, notReadyReasons } = (await show()).linkspan.progress as {
    [name: string]: unknown;
    copy: { documentsCopied: number };
  };
  assert.deepEqual([state, copy.documentsCopied, notReadyReasons], ['COPYING', 1, ['it is not running']]);
});

test('the time since when the source is blocked comes from the last report, however old that is', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const { report, show } = await start(plane);
  const since = async () => (await show()).linkspan.sourceBlockedSince;
  const at = (second: number) => Date.parse(`2026-11-01T12:00:0${second}Z`);
  const committing = (cutover: object) =>
    report({ state: 'COMMITTING', since: dateOf(at(1)), cutover: { requestedAt: dateOf(at(0)), ...cutover } as never });
  await report(READY);
  assert.equal(await since(), undefined);
  await committing({ blocking: false });
  assert.equal(await since(), undefined);
  // The agent is about to set the block, so the block may be set.
  await committing({ blocking: true });
  assert.equal(await since(), '2026-11-01T12:00:01.000Z');
  await committing({ blocking: true, sourceBlockedAt: dateOf(at(2)) });
  clock.nowMs += HOUR_MS;
  assert.equal(await since(), '2026-11-01T12:00:02.000Z');
  await report({ state: 'CREATED', since: null });
  assert.equal(await since(), '2026-11-01T12:00:02.000Z', 'an agent that waits for the source has not opened it');
  // The cutover attempt was cancelled and the source is open again.
  await report({ ...READY, cutover: { requestedAt: dateOf(at(0)), blocking: false, sourceBlockedAt: dateOf(at(2)) } });
  assert.equal(await since(), undefined);
});

test('readers can list migrations of a project and members links of an organization, in pages', async () => {
  await using plane = await startControlPlane();
  const { path, report, groupId } = await start(plane);
  await report({ state: 'FAILED' });
  const newest = await plane.api('POST', path, { body: cliBody(groupId) });
  const member = await addOrganization(plane, plane.orgId, ['ORG_MEMBER']);
  const reader = await addOrganization(plane, plane.orgId, ['ORG_READ_ONLY']);
  const migrations = await plane.api<Page<{ _id: string }>>('GET', `${path}?itemsPerPage=1`, { user: reader });
  assert.equal(migrations.json.totalCount, 2);
  assert.equal(migrations.json.results[0]?._id, newest.json._id);
  const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
  const [link] = (await plane.api<Page<Record<string, unknown>>>('GET', links, { user: member })).json.results;
  assert.deepEqual([link?.migrationHost, link?.agentVersion, link?.accessListIps], ['host-1', '1.0.0', []]);
  assert.match(String(link?.lastSeen), /^20\d\d-/);
  const stranger = await addOrganization(plane, '9'.repeat(24), ['ORG_OWNER']);
  assert.equal((await plane.api('GET', path, { user: stranger })).json.errorCode, 'USER_CANNOT_ACCESS_GROUP');
});

test('an agent that sends nothing is shown as lost within half a minute, and as connected with its next report', async () => {
  const clock = new FakeClock();
  await using plane = await startControlPlane({ clock });
  const agent = await linkAgent(plane);
  const status = async () => {
    const links = `/api/atlas/v2/orgs/${plane.orgId}/liveMigrations/links`;
    return (await plane.api<Page<{ agentStatus: string }>>('GET', links)).json.results[0]?.agentStatus;
  };
  assert.equal(await status(), 'CONNECTED');
  clock.nowMs += 20_000;
  assert.equal(await status(), 'CONNECTED', 'one late report is tolerated');
  clock.nowMs += 10_000;
  assert.equal(await status(), 'LOST');
  await agent.report({});
  assert.equal(await status(), 'CONNECTED');
});
