import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';

const args = ({ source, destination }: ReplicaSetPair) => [
  'sync',
  '--cluster0',
  source.uri,
  '--cluster1',
  destination.uri,
];

// id: drops-named-side-only
test('a start that would drop another side than the named one is refused, and the named one is dropped', async () => {
  await using pair = await startPair();
  const { source, destination } = pair;
  await source.client.db('shop').collection('orders').insertOne({ kept: true });
  await destination.client.db('old').collection('orders').insertOne({ kept: false });
  await using linkspan = runLinkspan([...args(pair), '--port', '0', '--drop-destination', 'cluster1']);
  const [, url] = await linkspan.waitForLine(/API is ready at (http:\/\/\S+)$/);
  const start = async (from: string, to: string) => {
    const answer = await fetch(`${url}/start`, {
      method: 'POST',
      body: JSON.stringify({ source: from, destination: to }),
    });
    return (await answer.json()) as { error?: string; success: boolean };
  };
  assert.equal((await start('cluster1', 'cluster0')).error, 'DropOfOtherSide');
  assert.equal(await source.client.db('shop').collection('orders').countDocuments(), 1);
  assert.equal(await destination.client.db('old').collection('orders').countDocuments(), 1);
  assert.equal((await start('cluster0', 'cluster1')).success, true);
  const isCopied = async () => (await destination.client.db('shop').collection('orders').countDocuments()) === 1;
  await eventually(isCopied, { what: 'the copy' });
  assert.equal(await destination.client.db('old').collection('orders').countDocuments(), 0);
});

test('--drop-destination must name a side without --once, and never the source with it', async () => {
  const sides = ['--cluster0', 'mongodb://127.0.0.1:1', '--cluster1', 'mongodb://127.0.0.1:2'];
  for (const flags of [
    ['--drop-destination'],
    ['--drop-destination', 'cluster0', '--once'],
    ['--drop-destination', 'other'],
  ]) {
    await using linkspan = runLinkspan(['sync', ...sides, '--port', '0', ...flags]);
    const { code } = await linkspan.exit;
    assert.ok(code === 2 && linkspan.stderr.includes('[USAGE]'), `${flags}: ${linkspan.stderr}`);
  }
});
