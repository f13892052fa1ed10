import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControlPlane } from './control-plane.ts';
import { cutoverReport } from './migration-world.ts';
import { start } from './started-migration.ts';

const READY = { state: 'tailing', readyForCutover: true, lagSeconds: 0, notReadyReasons: [] } as const;

test('an abort and a rehearsal of a cutover reach the agent, and GET shows when both have ended', async () => {
  await using plane = await startControlPlane();
  const { report, show, ask, wanted } = await start(plane);
  const told = async () => ((await wanted()) as Record<string, unknown>[])[0];
  assert.equal((await ask('rehearseCutover')).json.errorCode, 'CUTOVER_NOT_READY');
  await report(READY);
  assert.equal((await ask('rehearseCutover')).status, 202);
  const rehearsal = (await told())?.rehearsal;
  assert.equal((await show()).linkspan.rehearsal, rehearsal);
  assert.equal((await ask('abortCutover')).status, 202);
  assert.deepEqual([(await told())?.wanted, (await told())?.cutoverAborted], ['running', null]);
  assert.equal((await ask('cutover')).status, 202);
  assert.match(String((await ask('rehearseCutover')).json.detail), /its cutover has started/);
  assert.equal((await ask('abortCutover')).status, 202);
  const { wanted: state, cutoverAborted } = (await told()) ?? {};
  assert.equal(state, 'running');
  const isDone = async () => ((await show()).linkspan.cutoverAbort as { readonly isDone: boolean }).isDone;
  assert.equal(await isDone(), false);
  await report({ ...READY, cutoverAborted: Number(cutoverAborted) });
  assert.equal(await isDone(), true);
  assert.equal((await ask('cutover')).status, 202);
  await report({ state: 'committing', cutoverReport: cutoverReport('a warning') });
  assert.deepEqual(
    [(await ask('abortCutover')).status, (await ask('abortCutover')).json.errorCode],
    [409, 'CUTOVER_COMMITTED'],
  );
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
  await report({ state: 'committed', cutoverReport: cutoverReport('a \u001b[2Jwarning') });
  assert.deepEqual((await get()).json, cutoverReport('a \ufffd[2Jwarning'));
});
