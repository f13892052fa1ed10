import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownCutoverReport } from '../../src/contract/index.ts';
import { AgentSignals, expireMigrations } from '../../src/control/index.ts';
import { systemClock } from '../../src/platform/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { SideWriter } from '../engine/cutover/side-writer.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
/** The bound of the engine is 2 s; a busy machine takes longer to pass the word on. */
const ABORTED_WITHIN_MS = 10_000;
/** One hour more than a cutover window. */
const AFTER_WINDOW_MS = 121 * 3_600_000;

test('a cutover is rehearsed, aborted and made over the API, and its report survives restarts of agent and server', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  await using setup = await PushSetup.create(pair);
  const server = await setup.serve();
  await setup.register(pair);
  const agent = setup.agent();
  await setup.start();
  const untilReady = () => setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await untilReady();

  const { linkspan } = (await setup.ask('PUT', 'rehearseCutover')) as { linkspan: { rehearsalId: number } };
  await setup.until('rehearsed', ({ linkspan: { progress } }) => {
    const attempts = progress?.cutoverAttempts ?? [];
    return attempts.some(({ rehearsalId, result }) => rehearsalId === linkspan.rehearsalId && result !== undefined);
  });
  await items.insertOne({ n: 2 });
  await untilReady();

  const session = pair.source.client.startSession();
  session.startTransaction();
  await items.insertOne({ n: 3 }, { session });
  await setup.cutOver();
  await setup.until('waiting', ({ linkspan: { progress } }) =>
    (progress?.cutoverAttempts ?? []).some((attempt) => JSON.stringify(attempt).includes('a transaction')),
  );
  const beganMs = performance.now();
  await setup.ask('PUT', 'abortCutover');
  await setup.until('aborted', ({ linkspan: { cutoverAbort } }) => cutoverAbort?.isDone ?? false);
  assert.ok(performance.now() - beganMs < ABORTED_WITHIN_MS);
  await session.commitTransaction();
  await session.endSession();
  await untilReady();

  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  const report = await setup.ask('GET', 'cutoverReport');
  const { isComplete, verification, attempts } = shownCutoverReport.parse(report);
  assert.deepEqual([isComplete, verification.result], [true, 'EQUAL']);
  assert.ok(attempts.some(({ result }) => result === 'ABORTED'));
  await assert.rejects(setup.ask('PUT', 'abortCutover'), /CUTOVER_COMMITTED/);
  for (const process of [agent, server]) {
    process.kill('SIGKILL');
    await process.exit;
  }
  await setup.serve();
  setup.agent();
  assert.deepEqual(await setup.ask('GET', 'cutoverReport'), report);
  await expectIdentical(pair);
});

test('an agent finishes a committed cutover that was aborted before its report, also when the window is over', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  await using setup = await PushSetup.create(pair);
  const server = await setup.serve();
  await setup.register(pair);
  const agent = setup.agent('engine.cutover.committed=kill');
  await setup.start();
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await setup.cutOver();
  await expectHookReached(agent);
  await setup.ask('PUT', 'abortCutover');
  server.kill('SIGTERM');
  await server.exit;
  await endWindows(setup.dataDirectory);
  await setup.serve();
  setup.agent();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  await using app = await SideWriter.start(pair.destination, 'destination');
  assert.equal(await app.canWrite(), true);
});

/** Does what a server does after the end of a cutover window, in the store of one that is stopped. */
async function endWindows(dataDirectory: string): Promise<void> {
  await using store = openSqliteStore(dataDirectory);
  const clock = { ...systemClock, now: () => Date.now() + AFTER_WINDOW_MS };
  await expireMigrations({ store, clock, signals: new AgentSignals() });
}
