import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Document } from 'mongodb';
import { batchOf, startDialect } from '../support/dialect.ts';
import { expectHookReached, runLinkspan, untilStopped } from '../support/linkspan-process.ts';
import { type ReplicaSetPair, startPair } from '../support/replica-set.ts';
import { emptyPair } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';

const DATABASE = 'linkspan_probe';

describe('linkspan probe', { skip: needsSource('6.0', 'its facts are others') }, () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());
  beforeEach(() => emptyPair(pair));

  const run = (args: readonly string[], hook?: string) =>
    runLinkspan(['probe', pair.source.uri, ...args], hook === undefined ? {} : { hook });
  const probe = async (...args: readonly string[]) => {
    await using linkspan = run(args);
    const { code } = await linkspan.exit;
    return { code, stdout: linkspan.stdout, stderr: linkspan.stderr };
  };
  const isLeft = async () => {
    const { databases } = await pair.destination.client.db('admin').admin().listDatabases({ nameOnly: true });
    return databases.some(({ name }) => name === DATABASE);
  };

  test('it says what it would write, and does so with --yes only', async () => {
    const { uri } = pair.destination;
    const refused = await probe(uri);
    assert.deepEqual([refused.code, refused.stdout], [2, '']);
    assert.match(
      refused.stderr,
      /it makes a database linkspan_probe, and removes it .* Add --yes to run it.*\[USAGE\]/,
    );
    const json = JSON.parse((await probe(uri, '--output', 'json')).stdout);
    assert.deepEqual([json.type, json.outcome, json.error.code, json.facts], ['probe', 'REFUSED', 'USAGE', undefined]);
    const done = await probe(uri, '--yes', '--scratch');
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.match(done.stderr, /it makes a database linkspan_probe.* also blocks the writes of all users/);
    assert.match(done.stdout, /^ok +the listing of a time series: buckets: collection with UUID/m);
    assert.match(done.stdout, /^Nothing that was seen endangers data\.$/m);
    assert.equal(await isLeft(), false);
  });

  // id: probe-refuses-migration
  test('a mismatch that endangers data ends it with 2 and its meaning (dialect, not a real server)', async () => {
    await using destination = await startDialect(pair.destination, {
      listCollections: (reply) => {
        for (const one of batchOf(reply)) if (one.name === 'list_view') one.type = 'collection';
      },
      buildInfo: (reply) => {
        reply.version = '8.0.4';
      },
    });
    const text = await probe(destination.uri, '--yes');
    assert.equal(text.code, 2, text.stdout);
    assert.match(
      text.stdout,
      /^danger +the listing of a view: collection: pipeline, viewOn\n +expected +view: pipeline, viewOn\n +means +Linkspan could/m,
    );
    assert.match(text.stdout, /^differs +the wire version: 17\n/m);
    assert.match(text.stdout, /Nothing shows \d+ facts of the source's version, .* MongoDB 6\./);
    assert.match(text.stdout, /^Do not migrate: data could be lost or changed\.$/m);
    const { outcome, error, facts } = JSON.parse((await probe(destination.uri, '--yes', '--output', 'json')).stdout);
    assert.deepEqual([outcome, error.code], ['REFUSED', 'PROBE_MISMATCH']);
    assert.match(error.message, /data: LISTING_OF_VIEW\.$/);
    const listing: Document = facts.find(({ name }: Document) => name === 'LISTING_OF_VIEW');
    assert.deepEqual([listing.verdict, listing.replies[0].name], ['ENDANGERS_DATA', 'list_view']);
  });

  // id: probe-interrupted
  test('after Ctrl-C nothing is left on the destination', async () => {
    for (const point of ['engine.probe.fact@9', 'engine.probe.blocked']) {
      await using linkspan = run([pair.destination.uri, '--yes', '--scratch'], `${point}=stop`);
      await untilStopped(linkspan);
      assert.equal(await isLeft(), true);
      linkspan.kill('SIGINT');
      linkspan.kill('SIGCONT');
      assert.deepEqual(await linkspan.exit, { code: 130, signal: null }, linkspan.stderr);
      assert.match(linkspan.stdout, /^The probe was stopped\. \d+ facts? could not be seen\.$/m);
      assert.equal(await isLeft(), false);
      await pair.destination.client.db('shop').collection('orders').insertOne({});
    }
  });

  // id: probe-killed
  test('the next probe removes what a killed one has left, and lifts its write block', async () => {
    await using killed = run([pair.destination.uri, '--yes', '--scratch'], 'engine.probe.blocked=kill');
    await expectHookReached(killed);
    const { client } = pair.destination;
    await assert.rejects(client.db('shop').collection('orders').insertOne({}), /User writes blocked/);
    const early = await probe(pair.destination.uri, '--yes');
    assert.deepEqual([early.code, /\[PROBE_DATABASE_TAKEN\]/.test(early.stderr)], [2, true], early.stderr);
    await client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    const marker = client.db(DATABASE).collection('probe_marker');
    await marker.updateOne({ blocks: true }, { $set: { at: new Date(0) } });
    await client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
    const next = await probe(pair.destination.uri, '--yes');
    assert.equal(next.code, 0, next.stdout + next.stderr);
    assert.equal(await isLeft(), false);
    await client.db('shop').collection('orders').insertOne({});
  });
});
