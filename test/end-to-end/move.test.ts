import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { needsSource } from '../support/source-version.ts';
import { cutOver, fill, ledgerOf, startBoth, startServers, untilReady, untilStandingBy } from './two-agents.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

// id: planned-move
test('a migration moves to another host inside its initial sync, and back, without losing a write', {
  skip,
}, async () => {
  await using pair = await startServers();
  await fill(pair);
  await using writer = await ledgerOf(pair);
  await using both = await startBoth(pair);
  const { setup } = both;
  await setup.until('copying', ({ linkspan }) => linkspan.progress?.state === 'COPYING');
  await untilStandingBy(setup, 'spare');
  await setup.ask('PUT', 'move', { migrationHost: 'spare' });
  await both.untilTakenOver();
  await untilReady(setup);
  const { linkspan } = await setup.show();
  assert.deepEqual([linkspan.takenOver.fromHost, linkspan.takenOver.reason], ['mover', 'REQUESTED']);
  assert.equal(linkspan.progress.resumedFrom.state, 'COPYING', 'it resumes, and begins nothing anew');
  await untilStandingBy(setup, 'mover');
  await setup.ask('PUT', 'move', { migrationHost: 'mover' });
  await both.untilTakenOver('mover');
  await untilReady(setup);
  await writer.stop();
  await cutOver(setup, pair);
});

// id: agent-that-ends-hands-over
test('an agent that ends hands its migration over, and stands by when it is started again', { skip }, async () => {
  await using pair = await startServers();
  await fill(pair);
  await using writer = await ledgerOf(pair);
  await using both = await startBoth(pair);
  const { setup, leader, standby } = both;
  await untilReady(setup);
  await untilStandingBy(setup, 'spare');
  leader.kill('SIGTERM');
  assert.equal((await leader.exit).code, 0, leader.stderr);
  await both.untilTakenOver();
  assert.equal((await setup.show()).linkspan.takenOver.reason, 'LEFT');
  setup.agent();
  await untilStandingBy(setup, 'mover');
  await untilReady(setup);
  standby.kill('SIGTERM');
  assert.equal((await standby.exit).code, 0, standby.stderr);
  await both.untilTakenOver('mover');
  assert.equal((await setup.show()).linkspan.takenOver.reason, 'LEFT');
  await writer.stop();
  await cutOver(setup, pair);
});

// id: cut-off-leader-hands-over
test('a leader that alone has lost the source hands the migration over, and stands by', { skip }, async () => {
  await using pair = await startServers();
  await fill(pair);
  await using writer = await ledgerOf(pair);
  const { port } = new URL(pair.source.uri.replace('mongodb:', 'http:'));
  await using proxy = await startFaultProxy(Number(port));
  const leaderSourceUri = `${pair.source.uri.replace(`:${port}/`, `:${proxy.port}/`)}&directConnection=true`;
  await using both = await startBoth(pair, { leaderSourceUri });
  const { setup } = both;
  await untilReady(setup);
  await untilStandingBy(setup, 'spare');
  proxy.cut();
  await both.untilTakenOver();
  assert.equal((await setup.show()).linkspan.takenOver.reason, 'CUT_OFF');
  await untilReady(setup);
  proxy.restore();
  await untilStandingBy(setup, 'mover');
  await writer.stop();
  await cutOver(setup, pair);
});
