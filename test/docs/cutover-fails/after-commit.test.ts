import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SELDOM_MS, SideWriter } from '../../engine/cutover/side-writer.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { expectHookReached } from '../../support/linkspan-process.ts';
import type { ReplicaSetPair } from '../../support/replica-set.ts';
import { OperatedPush } from './operated-push.ts';
import { OperatedSync } from './operated-sync.ts';
import { PagePart } from './page-part.ts';
import { skip } from './page-reader.ts';

checkForLeaks({ sockets: false });

const hook = 'engine.cutover.committed=kill';
const LATE = /_id: 'written late'/;

test('control plane: the page opens the destination of a committed cutover, shows late writes of the source, and cleans up', {
  skip,
}, async () => {
  await using push = await OperatedPush.ready({ hook });
  const { pair, setup, reader } = push;
  await using app = await SideWriter.start(pair.destination, 'destination', SELDOM_MS);
  {
    using part = new PagePart('Committed, and the destination is not open', 'control plane');
    await push.cutOver();
    await expectHookReached(push.agent);
    await part.follow(reader, 1);
    assert.equal(await app.canWrite(), false);
    await push.restartAgent();
    await part.follow(reader);
    assert.equal(await app.canWrite(), true);
  }
  {
    using part = new PagePart('The source gets writes after the cutover', 'control plane');
    await writeLate(pair);
    const warnings = async () => (await setup.show()).linkspan.warnings.join();
    await eventually(async () => /source received 1 change in shop\.orders/.test(await warnings()), {
      what: 'the warning',
    });
    assert.match(await part.follow(reader), LATE);
  }
  using part = new PagePart('After a complete cutover', 'control plane');
  await part.follow(reader);
  await assertCleanedUp(pair);
});

test('linkspan sync: the page opens the destination of a committed cutover by hand, and its process finishes the rest', {
  skip,
}, async () => {
  await using sync = await OperatedSync.ready({ hook });
  const { pair, reader } = sync;
  await using app = await SideWriter.start(pair.destination, 'destination', SELDOM_MS);
  {
    using part = new PagePart('Committed, and the destination is not open', 'sync');
    await sync.cutOver().catch(() => undefined);
    await expectHookReached(sync.process);
    await part.follow(reader, 1);
    assert.equal(await app.canWrite(), false);
    using byHand = new PagePart('No process is left to open the destination', 'sync');
    await byHand.follow(reader);
    assert.equal(await app.canWrite(), true);
    await sync.restart();
    await part.follow(reader);
  }
  const [, index] = await pair.destination.client.db('shop').collection('orders').indexes();
  assert.equal(index?.unique, true);
  {
    using part = new PagePart('The source gets writes after the cutover', 'sync');
    await writeLate(pair);
    const warnings = async () => (await sync.progress()).warnings.join();
    await eventually(async () => /source received 1 change in shop\.orders/.test(await warnings()), {
      what: 'the warning',
    });
    assert.match(await part.follow(reader), LATE);
  }
  sync.process.kill('SIGTERM');
  await sync.process.exit;
  using part = new PagePart('After a complete cutover', 'sync');
  await part.follow(reader);
  await assertCleanedUp(pair);
});

/** Writes to the blocked source as its administrator. */
async function writeLate({ source }: ReplicaSetPair): Promise<void> {
  await source.client
    .db('shop')
    .collection<{ _id: string; n: number }>('orders')
    .insertOne({ _id: 'written late', n: 4 });
}

/** Asserts that the destination has its data and no records, and that users can write to the source. */
async function assertCleanedUp({ source, destination }: ReplicaSetPair): Promise<void> {
  const { databases } = await destination.client.db('admin').admin().listDatabases();
  assert.deepEqual(databases.map(({ name }) => name).sort(), ['admin', 'config', 'local', 'shop']);
  await using onSource = await SideWriter.start(source, 'source', SELDOM_MS);
  assert.equal(await onSource.canWrite(), true);
}
