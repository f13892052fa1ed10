import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startLedgerWriter } from '../support/ledger-writer.ts';
import { expectHookReached } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

/** Points where the agent kills itself: before the first read, in the copy, after the copy, while following, and on both sides of the point of no return. */
const AGENT_KILLS = [
  'engine.copy.before-first-read',
  'engine.copy.batch-acknowledged@3',
  'engine.copy.drained',
  'engine.apply.batch-acknowledged@20',
  'engine.cutover.source-blocked',
  'engine.cutover.committed',
];

/** Points where the control plane kills itself. */
const SERVER_KILLS = ['control.migration.committed', 'control.report.committed@5', 'control.cutover.committed'];

test('a push ends identical although its agent or control plane is killed', async (t) => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.createUser('app', 'secret', ['readWriteAnyDatabase']);
  for (const hook of AGENT_KILLS) {
    await t.test(`the agent, at ${hook}`, () => push(pair, { agent: `${hook}=kill` }));
  }
  for (const hook of SERVER_KILLS) {
    await t.test(`the control plane, at ${hook}`, () => push(pair, { server: `${hook}=kill` }));
  }
});

async function push(pair: ReplicaSetPair, hooks: { readonly agent?: string; readonly server?: string }): Promise<void> {
  await refill(pair);
  await using setup = await PushSetup.create(pair);
  const server = await setup.serve(hooks.server);
  await setup.register(pair);
  const agent = setup.agent(hooks.agent);
  // The process kills itself at its point. Like a service manager, the test starts it again.
  const restarted = (async () => {
    await expectHookReached(hooks.agent === undefined ? server : agent);
    if (hooks.agent === undefined) await setup.serve();
    else setup.agent();
  })();
  restarted.catch(() => undefined); // The end of the test awaits it.
  await using writer = await startLedgerWriter({
    clients: [pair.source.client],
    namespaces: ['shop.a', 'shop.b'],
    seed: 4,
    ratePerSecond: 40,
  });
  await setup.start();
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  const before = writer.snapshot().documentsWritten;
  await eventually(() => writer.snapshot().documentsWritten > before + 100, { what: 'writes while it follows' });
  // The writer's user bypasses the block, like root, so the writer must have ended by then.
  await writer.stop();
  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  await restarted;
  const record = await pair.destination.client.db('linkspan_internal').collection('migrations').findOne();
  assert.match(String(record?.writer), /linkspan-[0-9a-f]{24}$/);
  await expectIdentical(pair);
}

async function refill(pair: ReplicaSetPair): Promise<void> {
  for (const set of [pair.source, pair.destination]) {
    await set.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    for (const name of ['shop', 'linkspan_internal']) await set.client.db(name).dropDatabase();
  }
  for (const name of ['a', 'b']) {
    const collection = pair.source.client.db('shop').collection(name);
    // Two batches of a copy, so that there is a third one to kill the agent at.
    await collection.insertMany(Array.from({ length: 500 }, (_, n) => ({ n, name, text: 'x'.repeat(16_000) })));
    await collection.createIndex({ n: 1, _id: 1 }, { unique: true });
  }
}
