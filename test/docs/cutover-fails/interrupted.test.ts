import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SELDOM_MS, SideWriter } from '../../engine/cutover/side-writer.ts';
import { reversibleUsers } from '../../engine/running-reversible.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { fallSilent } from '../../support/fall-silent.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { expectHookReached, type LinkspanProcess, untilStopped } from '../../support/linkspan-process.ts';
import { childrenOf, statusOf } from '../../support/process-status.ts';
import { OperatedPush } from './operated-push.ts';
import { OperatedSync } from './operated-sync.ts';
import { PagePart } from './page-part.ts';
import { skip } from './page-reader.ts';

checkForLeaks({ sockets: false });

const BLOCKED = 'engine.cutover.source-blocked';

test('control plane: the page opens a source whose agent, or whose whole machine, was lost in the cutover', {
  skip,
}, async () => {
  await using push = await OperatedPush.ready({ hook: `${BLOCKED}=kill` });
  const { pair, setup, reader } = push;
  await using app = await SideWriter.start(pair.source, 'source', SELDOM_MS);
  {
    using part = new PagePart('A process or a machine was lost', 'control plane');
    await push.cutOver();
    await expectHookReached(push.agent);
    await part.follow(reader);
    assert.match(reader.answer, /^agent +LOST/m);
    assert.equal(await app.canWrite(), true);
    await push.restartAgent(`${BLOCKED}=stop`);
    await setup.until('following again', ({ readyForCutover }) => readyForCutover);
    assert.equal((await setup.show()).linkspan.wanted, 'RUNNING');
  }
  {
    using part = new PagePart('No process is left to open the source', 'control plane');
    await push.cutOver();
    await loseMachine(push.agent);
    assert.equal(await app.canWrite(), false);
    await fallSilent(pair.destination, setup.variables.MIGRATION_ID);
    await part.follow(reader);
    assert.equal(await app.canWrite(), true);
  }
  await push.restartAgent();
  await setup.until('cut over, because the request still stands', ({ status }) => status === 'COMPLETE');
  assert.equal(await app.canWrite(), false);
  await expectIdentical(pair);
});

test('linkspan sync: the page resumes a migration whose process was killed in the cutover, with the source open', {
  skip,
}, async () => {
  await using sync = await OperatedSync.ready({ hook: `${BLOCKED}=kill` });
  await using app = await SideWriter.start(sync.pair.source, 'source', SELDOM_MS);
  using part = new PagePart('A process or a machine was lost', 'sync');
  await sync.cutOver().catch(() => undefined);
  await expectHookReached(sync.process);
  await part.follow(sync.reader, 1);
  assert.equal(await app.canWrite(), true);
  await sync.restart();
  await part.follow(sync.reader);
  assert.equal(await app.canWrite(), true, 'the request is forgotten');
  const { state, canCommit } = await sync.progress();
  assert.deepEqual([state, canCommit], ['RUNNING', true]);
});

test('linkspan sync: after a reversal, the page opens the cluster from which the users were about to return', {
  skip,
}, async () => {
  await using sync = await OperatedSync.ready({
    flags: ['--reversible'],
    hook: `${BLOCKED}@2=stop`,
    urisOf: async (pair) => {
      const { source, destination } = await reversibleUsers(pair);
      return { source: source.uri, destination: destination.uri };
    },
  });
  const { pair, reader } = sync;
  await using app = await SideWriter.start(pair.destination, 'destination', SELDOM_MS);
  await sync.cutOver();
  const isReady = async () => (await sync.progress()).linkspan.failback?.ready === true;
  await eventually(isReady, { what: 'the failback to be ready', pollMs: 100 });
  await sync.call('reverse');
  await sync.cutOver();
  await loseMachine(sync.process);
  assert.equal(await app.canWrite(), false);
  await fallSilent(pair.source, reader.variables.MIGRATION_ID);
  Object.assign(reader.variables, { SOURCE: pair.destination.uri, DESTINATION: pair.source.uri });
  using part = new PagePart('No process is left to open the source', 'sync');
  await part.follow(reader);
  assert.equal(await app.canWrite(), true);
});

test('a control plane that is lost in the cutover is not needed: the agent finishes it, and the next one is told', {
  skip,
}, async () => {
  await using push = await OperatedPush.ready({ hook: `${BLOCKED}=stop` });
  await using app = await SideWriter.start(push.pair.destination, 'destination', SELDOM_MS);
  await push.cutOver();
  await untilStopped(push.agent);
  push.server.kill('SIGKILL');
  await push.server.exit;
  push.agent.kill('SIGCONT');
  await eventually(() => app.acknowledged > 0, { what: 'the destination to be open' });
  await push.setup.serve();
  await push.setup.until('complete', ({ status }) => status === 'COMPLETE');
});

/** Kills a process that has stopped itself, and its watchdog, as the loss of their machine does. */
async function loseMachine(engine: LinkspanProcess): Promise<void> {
  await untilStopped(engine);
  const watchdogs = childrenOf(engine.pid);
  assert.ok(watchdogs.length > 0);
  for (const pid of watchdogs) process.kill(pid, 'SIGKILL');
  engine.kill('SIGKILL');
  await engine.exit;
  await eventually(() => watchdogs.every((pid) => statusOf(pid) === ''), { what: 'the watchdog to end' });
}
