import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { expectHookReached, runLinkspan, untilStopped } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { startSync } from '../support/sync-process.ts';
import { clusters, pairWithData, readJson, refill } from './sync-output.ts';

checkForLeaks({ sockets: false });

describe('on one pair, without a kill or a cutover', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());

  test('--output json has the result of the verification', async () => {
    await refill(pair);
    await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once', '--output', 'json']);
    assert.equal((await linkspan.exit).code, 0, linkspan.stderr);
    const { verification } = readJson(linkspan.stdout).result;
    const { phase, documentsCompared, catalogDifferences, catalogDifferencesFound } = verification ?? {};
    assert.deepEqual(
      [phase, documentsCompared, catalogDifferences, catalogDifferencesFound],
      ['FOLLOWING', 2_000, [], 0],
    );
    assert.ok(Math.abs(Date.parse(verification?.equalAt ?? '') - Date.now()) < 60_000, JSON.stringify(verification));
  });

  test('a copy of a source that is written to says at which time both were equal, and names capped collections', async () => {
    await refill(pair);
    const shop = pair.source.client.db('shop');
    await shop.createCollection('latest', { capped: true, size: 100_000 });
    await shop.collection('latest').insertOne({ text: 'first' });
    await using linkspan = runLinkspan(['sync', ...clusters(pair), '--once', '--output', 'json']);
    let hasEnded = false;
    const ended = linkspan.exit.finally(() => {
      hasEnded = true;
    });
    let number = 0;
    const write = async () => {
      await shop.collection<{ _id: number }>('orders').updateOne({ _id: number % 2_000 }, { $set: { number } });
      number += 1;
      return hasEnded;
    };
    await eventually(write, { what: 'the end of the sync', pollMs: 5 });
    assert.equal((await ended).code, 0, linkspan.stderr);
    assert.match(
      linkspan.stderr,
      /^linkspan sync: Verified: equal at 2\S+Z for 2,00\d documents in 2 collections; \d\S* comparisons? of .* This leaves out 1 capped collection: .* were compared before the commit\. .* differs\.$/m,
    );
    const { verification } = readJson(linkspan.stdout).result;
    assert.ok(Date.parse(verification?.equalAt ?? '') <= Date.now(), JSON.stringify(verification));
  });

  test('a document that another client deletes again after each repair ends a sync with 3', async () => {
    await refill(pair);
    const orders = pair.destination.client.db('shop').collection<{ _id: number }>('orders');
    await using sync = await startSync({ source: pair.source.uri, destination: pair.destination.uri });
    await sync.linkspan.waitForLine(/^ready to cut over: /, 30_000);
    let hasEnded = false;
    const ended = sync.linkspan.exit.finally(() => {
      hasEnded = true;
    });
    await eventually(async () => (await orders.deleteOne({ _id: 7 })) && hasEnded, {
      what: 'the end of the sync',
    });
    assert.equal((await ended).code, 3, sync.linkspan.stderr);
    assert.match(sync.linkspan.stderr, /missing.*, for the 4th time\. .*\[VERIFICATION_FAILED\]/);
  });
});

test('--once --verify report ends with 3 and what differs, commits nothing, and ends with 0 once nothing differs', async () => {
  await using pair = await pairWithData();
  const shop = pair.destination.client.db('shop');
  const orders = shop.collection<{ _id: number; text: string }>('orders');
  const command = ['sync', ...clusters(pair), '--once', '--verify', 'report', '--output', 'json'];
  const run = async () => {
    await using linkspan = runLinkspan(command);
    const { code } = await linkspan.exit;
    return { code, ...readJson(linkspan.stdout), stderr: linkspan.stderr };
  };
  await using killed = runLinkspan(command, { hook: 'engine.copy.indexed=kill' });
  await expectHookReached(killed);
  await orders.updateOne({ _id: 7 }, { $set: { text: 'planted' } });

  const document = await run();
  assert.deepEqual([document.code, document.result.outcome], [3, 'FAILED'], document.stderr);
  assert.equal(document.result.error?.code, 'VERIFICATION_FAILED');
  assert.deepEqual([document.result.verification?.mismatches.open, document.result.verification?.equalAt], [1, null]);
  assert.match(
    document.stderr,
    /Verification found differences: 2,000 documents in 1 collection compared\. .*1 document differs\.$/m,
  );
  assert.match(document.stderr, /shop\.orders _id \{"\$numberInt":"7"\}: different at `text`.* \(differs\)$/m);
  assert.equal((await orders.findOne({ _id: 7 }))?.text, 'planted');
  assert.ok(document.progress.every(({ stage }) => stage !== 'COMPLETE'));

  await orders.updateOne({ _id: 7 }, { $set: { text: 'document 7' } });
  const equal = await run();
  assert.deepEqual([equal.code, equal.result.outcome], [0, 'DONE'], equal.stderr);
  assert.match(equal.stderr, /Verified: equal at .* 1 document differed earlier and does not any more\. .*differs\.$/m);
  await expectIdentical(pair);
});

test('--once ends with 3 when catalogs differ; the same command repairs them at its start and ends with 0', async () => {
  await using pair = await pairWithData();
  const command = ['sync', ...clusters(pair), '--once', '--output', 'json'];
  await using first = runLinkspan(command, { hook: 'engine.copy.indexed=stop' });
  await untilStopped(first);
  await pair.destination.client.db('shop').collection('orders').dropIndex('text_1');
  first.kill('SIGCONT');
  assert.equal((await first.exit).code, 3, first.stderr);
  const { error, verification } = readJson(first.stdout).result;
  assert.deepEqual([error?.code, verification?.equalAt], ['VERIFICATION_FAILED', null]);
  assert.equal(verification?.catalogDifferencesFound, 1);
  assert.match(first.stderr, /Verification found differences: .*Catalogs differ: shop\.orders: index missing text_1/);

  await using second = runLinkspan(command);
  assert.equal((await second.exit).code, 0, second.stderr);
  await expectIdentical(pair);
});

test('--verify report lists what differs and refuses the commit; without it the document is repaired', async () => {
  await using pair = await pairWithData();
  const orders = pair.destination.client.db('shop').collection<{ _id: number }>('orders');
  const uris = { source: pair.source.uri, destination: pair.destination.uri };
  {
    await using sync = await startSync(uris, ['--verify', 'report']);
    await sync.linkspan.waitForLine(/^ready to cut over: /, 30_000);
    await orders.deleteOne({ _id: 7 });
    const { canCommit, linkspan } = await eventually(
      async () => {
        const progress = await sync.progress();
        return progress.linkspan.verification.mismatches.open === 1 && progress;
      },
      { what: 'the missing document to be found' },
    );
    assert.deepEqual([canCommit, linkspan.verification.mode], [false, 'REPORT']);
    await sync.linkspan.waitForLine(/^differences found: 1 document differs, /, 30_000);
    assert.equal((await sync.call('commit')).error, 'NotReadyForCutover');
    sync.linkspan.kill('SIGTERM');
    assert.equal((await sync.linkspan.exit).code, 4);
    assert.match(sync.linkspan.stderr, /^linkspan sync: Verification found differences: .* 1 document differs\.$/m);
    assert.match(
      sync.linkspan.stderr,
      /^linkspan sync: shop\.orders _id \{"\$numberInt":"7"\}: missing, written by .* \(differs\)$/m,
    );
  }
  await using sync = await startSync(uris);
  await sync.linkspan.waitForLine(/^ready to cut over: /, 30_000);
  assert.deepEqual(await sync.call('commit'), { success: true });
  await sync.linkspan.waitForLine(/^complete: /, 30_000);
  sync.linkspan.kill('SIGTERM');
  assert.equal((await sync.linkspan.exit).code, 0);
  assert.match(
    sync.linkspan.stderr,
    /Verified: equal at 2\S+Z for 2,000 .* 1 document differed earlier and does not any more\. Nothing differs\.$/m,
  );
  assert.match(sync.linkspan.stderr, /shop\.orders _id \{"\$numberInt":"7"\}: missing, .* \(differs no more\)$/m);
  assert.equal(await orders.countDocuments(), 2_000);
});
