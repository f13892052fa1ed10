import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

for (const compressor of ['zstd', 'zlib'] as const) {
  test(`a migration with ${compressor} ends identical, and shows what it saved on each side`, async () => {
    await using pair = await startPair();
    const orders = pair.source.client.db('shop').collection<{ _id: number; text: string; n?: number }>('orders');
    const text = 'The engine compresses its messages to both sides. '.repeat(20);
    await orders.insertMany(Array.from({ length: 2_000 }, (_, _id) => ({ _id, text: `${_id} ${text}` })));
    await orders.insertOne({ _id: -1, text: 'x'.repeat(4_000_000) });
    await orders.createIndex({ text: 1 });
    await using running = RunningMigration.start(pair, {
      source: { uri: pair.source.uri, compression: compressor },
      destination: { uri: pair.destination.uri, compression: compressor },
    });
    await running.untilReady();
    await orders.updateMany({ _id: { $gte: 0 } }, { $set: { n: 1 } });
    await orders.deleteMany({ _id: { $gt: 1_500 } });
    await eventually(() => running.progress.changes.applied >= 2_000, { what: 'the changes to be applied' });
    const { compression } = running.progress;
    for (const side of ['source', 'destination'] as const) {
      const { wireBytes = 0, messageBytes = 0 } = compression?.[side] ?? {};
      assert.equal(compression?.[side]?.compressor, compressor);
      assert.ok(messageBytes > 4_000_000 + 2_000 * 1_000, `${messageBytes} bytes of messages`);
      assert.ok(wireBytes > 0 && wireBytes < messageBytes / 4, `${wireBytes} of ${messageBytes} bytes`);
    }
    await running.commit();
    const { documents } = await expectIdentical(pair);
    assert.equal(documents, 1_502);
  });
}

test('a migration to a distant destination compresses by itself, and only there', async () => {
  await using pair = await startPair({ destination: { proxied: true } });
  await pair.source.client.db('shop').collection('orders').insertOne({ n: 1 });
  for (const proxy of pair.destination.proxies) proxy.set({ latencyMs: 5 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const isOnlyThere = ({ compression }: typeof running.progress) =>
    compression?.destination?.compressor === 'zstd' && compression.source === undefined;
  await running.until('compression to the destination alone', isOnlyThere);
  for (const proxy of pair.destination.proxies) proxy.set({});
  await running.commit();
  await expectIdentical(pair);
});

test('nothing is compressed where it is off, whatever the distance', async () => {
  await using pair = await startPair({ destination: { proxied: true } });
  await pair.source.client.db('shop').collection('orders').insertOne({ n: 1 });
  for (const proxy of pair.destination.proxies) proxy.set({ latencyMs: 5 });
  await using running = RunningMigration.start(pair, {
    source: { uri: pair.source.uri, compression: 'off' },
    destination: { uri: pair.destination.uri, compression: 'off' },
  });
  await running.untilReady();
  assert.equal(running.progress.compression, undefined);
  for (const proxy of pair.destination.proxies) proxy.set({});
  await running.commit();
  await expectIdentical(pair);
});
