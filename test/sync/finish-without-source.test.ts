import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soonGone } from '../engine/silent-server.ts';
import { FINISHED, seedIndexed, standingOf } from '../engine/weakened-indexes.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { startSync } from '../support/sync-process.ts';

checkForLeaks({ sockets: false });

// id: sync-finishes-without-source
test('linkspan sync: a start finishes a committed cutover whose source is gone', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await seedIndexed(pair.source);
  const uris = { source: soonGone(pair.source).uri, destination: pair.destination.uri };
  {
    await using sync = await startSync(uris, [], { hook: 'engine.cutover.destination-open=kill' });
    await eventually(async () => (await sync.progress()).canCommit, { what: 'to be ready' });
    await sync.call('commit').catch(() => undefined); // It may end before it answers.
    await expectHookReached(sync.linkspan);
  }
  assert.deepEqual(await standingOf(pair.destination), { ...FINISHED, unique: false });
  await pair.source.members[0]?.kill();
  await using sync = await startSync(uris);
  await eventually(async () => (await sync.progress()).state === 'COMMITTED', { what: 'the end' });
  const { canWrite, warnings } = await sync.progress();
  assert.equal(canWrite, true);
  assert.match(warnings.join('\n'), /finished without the source: The source cannot be reached/);
  assert.deepEqual(await standingOf(pair.destination), FINISHED);
});
