import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeFailback } from '../../../src/engine/records/failback.ts';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { emptyCluster, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

test('a failback that was closed stays closed, whatever is written to the record afterwards', { skip }, async (t) => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const addresses = await reversibleUsers(pair);

  /** Cuts over while something happens, and ends the engine. Returns the id of the migration. */
  const cutOver = async (happens: (id: string) => Disposable | undefined = () => undefined) => {
    for (const { client } of [pair.source, pair.destination]) await emptyCluster(client);
    await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
    const id = newId();
    using _ = happens(id);
    await using running = new RunningReversible(addresses, id);
    await running.cutOver();
    return id;
  };
  const expectClosed = async (id: string) => {
    await using again = new RunningReversible(addresses, id);
    let hasEnded = false;
    again.outcome.then(() => {
      hasEnded = true;
    });
    await again.until('the end or a failback', () => hasEnded || again.migration.failback !== undefined);
    assert.equal(hasEnded, true, 'a failback that was closed has begun');
    await assert.rejects(again.steering.reverse(), { code: 'WRONG_STATE' });
  };

  await t.test('another finish meets a blocked side, and takes back its own note alone', async () => {
    const id = await cutOver();
    await closeFailback(addresses.destination, id);
    {
      using _ = onFailpoint('engine.failback.closing', () => block(pair.destination, true));
      await assert.rejects(closeFailback(addresses.destination, id), { code: 'FAILBACK_LOST' });
    }
    await block(pair.destination, false);
    await expectClosed(id);
  });

  await t.test('the engine of the cutover writes its last steps', async () => {
    const close = (id: string) =>
      onFailpoint('engine.cutover.destination-open', () => closeFailback(addresses.destination, id));
    await expectClosed(await cutOver(close));
  });

  await t.test('a finish that met a blocked side alone leaves the failback open', async () => {
    const id = await cutOver();
    {
      using _ = onFailpoint('engine.failback.closing', () => block(pair.destination, true));
      await assert.rejects(closeFailback(addresses.destination, id), { code: 'FAILBACK_LOST' });
    }
    await block(pair.destination, false);
    await using again = new RunningReversible(addresses, id);
    await again.returnToOldSource();
  });
});

// id: lost-record-not-closed
test('a failback whose cutover has lost its record is neither requested nor closed, and does not commit', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const addresses = await reversibleUsers(pair);
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(numbered(10));
  const { client } = pair.destination;
  const records = client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  const lost = { code: 'CUTOVER_RECORD_LOST' };
  await using running = new RunningReversible(addresses);
  const { migration, steering } = running;
  await running.cutOver();
  const [kept] = await records.find().toArray();
  assert.ok(kept);

  await records.deleteMany({});
  await assert.rejects(steering.reverse(), lost);
  assert.equal(migration.isReversing, false);
  await records.insertOne(kept);
  await steering.reverse();
  await running.until('the failback to be ready', () => running.progress.readyForCutover);
  using _ = onFailpoint('engine.cutover.about-to-block', async () => void (await records.deleteMany({})));
  steering.cutOver();
  const returned = running.until('the return', () => running.progress.state === 'COMMITTED');
  await assert.rejects(returned, lost);
  await assert.rejects(steering.finish(), lost);
  const { repl } = await client.db('admin').command({ serverStatus: 1, repl: 1 });
  assert.equal(repl.userWriteBlockMode, 1, 'the users are not blocked');
  assert.equal(await items.countDocuments(), 10);
});

async function block(set: ReplicaSet, global: boolean): Promise<void> {
  await set.client.db('admin').command({ setUserWriteBlockMode: 1, global });
}
