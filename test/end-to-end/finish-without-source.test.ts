import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soonGone } from '../engine/silent-server.ts';
import { FINISHED, seedIndexed, standingOf } from '../engine/weakened-indexes.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

// id: agent-finishes-without-source
test('control plane: an agent that starts again finishes a committed cutover whose source is gone', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await seedIndexed(pair.source);
  await using setup = await PushSetup.create(pair, soonGone(pair.source).uri);
  await setup.serve();
  await setup.register(pair);
  const agent = setup.agent('engine.cutover.committed=kill');
  await setup.start();
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await setup.cutOver();
  await expectHookReached(agent);
  assert.equal((await standingOf(pair.destination)).blocked, true);
  await pair.source.members[0]?.kill();
  setup.agent();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  assert.deepEqual(await standingOf(pair.destination), FINISHED);
});
