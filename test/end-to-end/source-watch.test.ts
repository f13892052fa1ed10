import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hooksFolder } from '../hooks/hooks-folder.ts';
import { eventually } from '../support/eventually.ts';
import { HookReceiver } from '../support/hook-receiver.ts';
import type { LinkspanProcess } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { PushSetup } from './push-setup.ts';

const skip = needsSource('6.0', 'it has no write block');

/** A push that is complete, with its processes. */
async function completePush(
  setup: PushSetup,
  pair: ReplicaSetPair,
  flags: readonly string[],
): Promise<{ server: LinkspanProcess; agent: LinkspanProcess }> {
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  const server = await setup.serve(undefined, flags);
  await setup.register(pair);
  const agent = setup.agent();
  await setup.start();
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  return { server, agent };
}

test('after COMPLETE the agent watches the source through kills of agent and server, and what users write there is told', {
  skip,
}, async () => {
  using folder = hooksFolder();
  await using receiver = await HookReceiver.start();
  const hook = {
    name: 'pager',
    url: receiver.url,
    secretFile: 'hook.secret',
    events: ['migration.cut_over', 'migration.source_written'],
  };
  const flags = ['--hooks-file', folder.write({ hooks: [hook] })];
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await using setup = await PushSetup.create(pair);
  const { server, agent } = await completePush(setup, pair, flags);
  const items = pair.source.client.db('shop').collection('items');
  const watch = async () => (await setup.show()).linkspan.sourceWatch;
  assert.deepEqual([(await watch()).changes, (await watch()).ended], [0, undefined]);
  // The end of a migration is shown in whole seconds.
  const seconds = (Date.parse((await watch()).until) - Date.parse((await setup.show()).linkspan.endedAt)) / 1_000;
  assert.equal(Math.floor(seconds), 3_600);
  await items.insertOne({ after: 1 });
  await eventually(async () => (await watch()).changes === 1, { what: 'the first write' });
  assert.match(
    (await setup.show()).linkspan.warnings[0],
    /^After the commit, the source received 1 change in shop\.items\. /,
  );
  await eventually(() => receiver.requests.length >= 2, { what: 'the events' });
  agent.kill('SIGKILL');
  await agent.exit;
  await items.insertOne({ after: 2 });
  server.kill('SIGKILL');
  await server.exit;
  await setup.serve(undefined, flags);
  setup.agent();
  await eventually(async () => (await watch()).changes === 2, {
    what: 'the write of the time without an agent',
  });
  const told = receiver.events.map(({ type, data }) => [type, data.changes]);
  assert.deepEqual(told, [
    ['migration.cut_over', undefined],
    ['migration.source_written', 1],
  ]);
  assert.equal((await setup.show()).status, 'COMPLETE');
});

test('the watch ends with its time, also when the source was switched off, and says up to when it knows', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await using setup = await PushSetup.create(pair);
  await completePush(setup, pair, ['--watch-source-minutes', '0.2']);
  await (await pair.source.primary()).kill();
  const ended = async () => {
    const migration = await setup.show();
    return migration.linkspan.sourceWatch.ended !== undefined && migration;
  };
  const { linkspan, status } = await eventually(ended, { what: 'the end of the watch' });
  assert.match(linkspan.sourceWatch.ended, /^the source could not be read after 20\d\d-/);
  assert.equal(linkspan.sourceWatch.changes, 0);
  assert.equal(status, 'COMPLETE');
});
