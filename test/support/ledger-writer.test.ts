import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MongoClient } from 'mongodb';
import { compareClusters } from './compare-clusters.ts';
import { eventually } from './eventually.ts';
import { startLedgerWriter } from './ledger-writer.ts';
import { exactTypes } from './raw-document.ts';
import { startPair, startReplicaSet } from './replica-set.ts';

const written = (count: number) => ({ what: `${count} documents to be written` });

describe('the ledger writer', () => {
  it('writes with every kind of operation, at the requested rate', async () => {
    await using set = await startReplicaSet();
    await set.client
      .db('shop')
      .collection('stock')
      .insertMany(Array.from({ length: 50 }, (_, n) => ({ n })));
    await using writer = await startLedgerWriter({
      clients: [set.client],
      namespaces: ['shop.orders', 'shop.stock'],
      seed: 7,
      ratePerSecond: 400,
    });
    const start = performance.now();
    await eventually(() => writer.snapshot().documentsWritten >= 400, written(400));
    const seconds = (performance.now() - start) / 1_000;
    const { accepted, lastAcknowledged, unknown, documentsWritten } = await writer.stop();
    assert.ok(
      Object.values(accepted).every((count) => count > 0),
      JSON.stringify(accepted),
    );
    assert.ok(documentsWritten / seconds < 800, `${documentsWritten} in ${seconds} s`);
    assert.equal(unknown, 0);
    assert.ok(lastAcknowledged?.greaterThan(lastAcknowledged.subtract(1)));
  });

  it('writes the same for the same seed', async () => {
    await using pair = await startPair();
    for (const { client } of [pair.source, pair.destination]) {
      await using writer = await startLedgerWriter({
        clients: [client],
        namespaces: ['a.b'],
        seed: 11,
        ratePerSecond: 300,
      });
      await eventually(() => writer.snapshot().documentsWritten >= 60, written(60));
      await writer.stop();
    }
    const ids = async (client: MongoClient) =>
      new Set((await client.db('a').collection('b').find().toArray()).map(({ _id }) => JSON.stringify(_id)));
    const [left, right] = [await ids(pair.source.client), await ids(pair.destination.client)];
    assert.ok([...left].filter((id) => right.has(id)).length > left.size / 2);
  });

  it('continues on the side that accepts writes, measures the pause, and lists its writes there', async () => {
    const auth = { auth: true };
    await using pair = await startPair({ source: auth, destination: auth });
    const block = (on: 'source' | 'destination', global: boolean) =>
      pair[on].client.db('admin').command({ setUserWriteBlockMode: 1, global });
    for (const set of [pair.source, pair.destination]) await set.createUser('app', 'secret', ['readWriteAnyDatabase']);
    await using source = new MongoClient(pair.source.uriFor('app', 'secret'));
    await using destination = new MongoClient(pair.destination.uriFor('app', 'secret'));
    await destination.db('a').createCollection('b');
    await block('destination', true);
    await using writer = await startLedgerWriter({
      clients: [source, destination],
      namespaces: ['a.b'],
      ratePerSecond: 500,
    });
    await eventually(() => writer.snapshot().documentsWritten >= 50, written(50));
    await block('source', true);
    const before = await pair.source.client.db('a').collection('b').find({}, exactTypes).toArray();
    await pair.destination.client.db('a').collection('b').insertMany(before);
    const countBefore = writer.snapshot().documentsWritten;
    assert.deepEqual(writer.snapshot().pausesMs, []);
    await block('destination', false);
    await eventually(() => writer.snapshot().documentsWritten >= countBefore + 50, written(50));
    const { pausesMs, writtenOnDestination } = await writer.stop();
    assert.ok(pausesMs.length === 1 && Number(pausesMs[0]) > 0, String(pausesMs));
    const comparison = { except: writtenOnDestination };
    const whole = await compareClusters(pair.source.client, pair.destination.client);
    const rest = await compareClusters(pair.source.client, pair.destination.client, comparison);
    assert.notEqual(whole.differences.length, 0);
    assert.deepEqual(rest.differences, []);
    assert.ok(rest.documents > 0);
  });

  it('survives a change of primary', async () => {
    await using set = await startReplicaSet({ members: 3 });
    await using writer = await startLedgerWriter({ clients: [set.client], namespaces: ['a.b'], ratePerSecond: 200 });
    await eventually(() => writer.snapshot().documentsWritten >= 50, written(50));
    await (await set.primary()).kill();
    const count = writer.snapshot().documentsWritten;
    await eventually(() => writer.snapshot().documentsWritten >= count + 50, written(50));
    await writer.stop();
  });

  it('names its seed when it fails unexpectedly', async () => {
    await using set = await startReplicaSet();
    await using writer = await startLedgerWriter({ clients: [set.client], namespaces: ['a.b'], seed: 4_711 });
    await set.failCommand({ mode: 'alwaysOn', data: { failCommands: ['insert'], errorCode: 8_000 } });
    await assert.rejects(writer.finished, /4711/);
    await set.clearFailPoints();
  });
});
