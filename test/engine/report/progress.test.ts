import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Progress } from '../../../src/contract/index.ts';
import { eventually } from '../../support/eventually.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { startSync } from '../../support/sync-process.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

test('the counts of progress never go back, not even after kill -9 in the middle of the copy, and are correct in the end', async () => {
  await using pair = await startPair();
  await fill(pair, 'items', 30_000);
  await using slow = await startFaultProxy((await pair.destination.primary()).port);
  // Several connections share the copy, and it must not end before a look at it on a busy machine.
  slow.set({ bytesPerSecond: 1_000_000 });
  const destination = `mongodb://127.0.0.1:${slow.port}/?directConnection=true&compressors=none`;
  const uris = { source: pair.source.uri, destination };
  const seen: [number, number, number][] = [];
  const look = async (sync: Awaited<ReturnType<typeof startSync>>) => {
    const { collectionCopy, linkspan } = await sync.progress();
    // A process that has not opened the migration yet shows the figures of the time before the copy.
    if (linkspan !== null && linkspan.state !== 'CREATED')
      seen.push([collectionCopy.estimatedCopiedBytes, linkspan.copy.documentsCopied, linkspan.copy.partitionsDone]);
    return linkspan.state;
  };
  for (const least of [1, 10_000]) {
    await using killed = await startSync(uris);
    let state: string | undefined;
    const hasCopied = async () => {
      state = await look(killed);
      return (seen.at(-1)?.[1] ?? 0) >= least;
    };
    await eventually(hasCopied, { what: 'copied documents', pollMs: 100 });
    killed.linkspan.kill('SIGKILL');
    assert.equal((await killed.linkspan.exit).signal, 'SIGKILL');
    assert.equal(state, 'COPYING');
  }
  slow.set({});
  await using last = await startSync(uris);
  await eventually(async () => (await look(last)) === 'FOLLOWING', { what: 'the copy', pollMs: 100 });
  for (const [index, values] of seen.entries()) {
    const before = seen[index - 1] ?? [0, 0, 0];
    assert.ok(
      values.every((value, which) => value >= (before[which] ?? 0)),
      `${before} and then ${values}`,
    );
  }
  assert.equal(seen.at(-1)?.[1], 30_000);
});

test('a successor reports no figures until it has read those on record, shows that it waits, and knows them after the end', async () => {
  await using pair = await startPair();
  await fill(pair, 'items', 2_000);
  const items = pair.source.client.db('shop').collection('items');
  await items.createIndex({ n: 1 });
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  await items.updateMany({ n: { $lt: 50 } }, { $set: { changed: true } });
  await first.until('the changes', ({ changes }) => changes.applied >= 50);
  await first.stop();
  const onRecord = figuresOf(first.progress);
  assert.deepEqual(onRecord.slice(0, 4), [2_000, 1, 1, 1]);
  const { migrationId } = first.progress;

  const refuseReading = (errorCode: number) => {
    const data = { failCommands: ['find'], namespace: 'linkspan_internal.collections', errorCode };
    return pair.destination.failCommand({ mode: 'alwaysOn', data });
  };
  await refuseReading(13);
  await using failed = RunningMigration.start(pair, { migrationId });
  await assert.rejects(failed.outcome);
  const { state, error, left } = failed.progress;
  assert.deepEqual([state, error?.code, left], ['FAILED', 'INTERNAL_ERROR', undefined]);

  await refuseReading(11_600);
  const untilItWaits = (running: RunningMigration) =>
    running.until('the wait', ({ waiting }) => waiting.some((wait) => wait.for === 'the destination'));
  await using stopped = RunningMigration.start(pair, { migrationId });
  await untilItWaits(stopped);
  assert.equal(await stopped.stop(), 'STOPPED');

  await using second = RunningMigration.start(pair, { migrationId });
  await untilItWaits(second);
  assert.equal(second.progress.state, 'CREATED');
  await pair.destination.clearFailPoints();
  await second.until('the migration to be ready', (progress) => {
    if (progress.state !== 'CREATED') {
      const figures = figuresOf(progress);
      assert.ok(
        figures.every((figure, which) => figure >= (onRecord[which] ?? 0)),
        `${onRecord} and then ${figures}`,
      );
    }
    return progress.readyForCutover;
  });
  await second.commit();
  await using over = RunningMigration.start(pair, { migrationId });
  assert.equal(await over.outcome, 'COMMITTED');
  assert.deepEqual(figuresOf(over.progress), figuresOf(second.progress));
});

describe('the progress of a migration that does not cut over', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());

  test('a collection that the source drops in the middle of its copy is reported as a restart, also by a successor', {
    skip: needsSource('6.0', 'its catalog changes meanwhile'),
  }, async () => {
    await emptyPair(pair);
    await fill(pair, 'items', 10);
    await fill(pair, 'doomed', 12_000);
    using saved = holdAt('engine.copy.progress-saved');
    await using first = RunningMigration.start(pair, { copyBytesPerSecond: 4_000_000 });
    // On a slow machine, the other collection arrives there, too.
    await first.until('documents of the doomed collection', ({ copy }) => copy.documentsCopied > 10);
    await pair.source.client.db('shop').collection('doomed').drop();
    saved.release();
    await first.until('the restart', ({ copy }) => copy.restarts === 1);
    await first.untilReady();
    const { documentsCopied, documentsTotal, partitionsTotal } = first.progress.copy;
    assert.deepEqual([documentsCopied, documentsTotal, partitionsTotal], [10, 10, 1]);
    const records = pair.destination.client.db('linkspan_internal').collection('collections');
    await eventually(async () => (await records.countDocuments()) === 1, { what: 'the drop to be on record' });
    await first.stop();
    await using second = RunningMigration.start(pair, { migrationId: first.progress.migrationId });
    await second.untilReady();
    assert.deepEqual([second.progress.copy.restarts, second.progress.copy.documentsCopied], [1, 10]);
  });

  test('the drop of a collection that was emptied before its copy is reported as a restart, too', {
    skip: needsSource('6.0', 'its catalog changes meanwhile'),
  }, async () => {
    await emptyPair(pair);
    await fill(pair, 'emptied', 1);
    const emptied = pair.source.client.db('shop').collection('emptied');
    using planned = onceAt('engine.write.update.partitions', () => emptied.deleteMany({}));
    using indexed = holdAt('engine.copy.indexed');
    await using running = RunningMigration.start(pair);
    await running.until('its only range', ({ copy }) => copy.partitionsDone === 1);
    await planned.result;
    assert.equal(running.progress.copy.documentsCopied, 0);
    await emptied.drop();
    await running.until('the drop', ({ copy }) => copy.partitionsDone === 0);
    assert.equal(running.progress.copy.restarts, 1);
    indexed.release();
    await running.untilReady();
  });

  test('the progress of index builds on the destination is shown', async () => {
    await emptyPair(pair);
    await fill(pair, 'items', 1_000);
    await pair.source.client.db('shop').collection('items').createIndex({ n: 1 });
    const failPoint = 'hangAfterSettingUpIndexBuild';
    const admin = pair.destination.client.db('admin');
    await admin.command({ configureFailPoint: failPoint, mode: 'alwaysOn' });
    await using running = RunningMigration.start(pair);
    // Before the migration is disposed of: it would wait for the build.
    await using _ = {
      [Symbol.asyncDispose]: async () => void (await admin.command({ configureFailPoint: failPoint, mode: 'off' })),
    };
    await running.until('the build', ({ indexes }) => (indexes.building ?? []).length > 0);
    const { indexes, since } = running.progress;
    assert.deepEqual(
      [indexes.building?.[0]?.namespace, indexes.building?.[0]?.total, indexes.built],
      ['shop.items', 1_000, 0],
    );
    assert.ok(since !== null && Date.parse(since) <= Date.now());
    await admin.command({ configureFailPoint: failPoint, mode: 'off' });
    await running.untilReady();
    assert.equal(running.progress.indexes.built, 1);
  });

  test('a limit of the copy applies from the moment it is set or removed, also to batches that already wait', async () => {
    await emptyPair(pair);
    await fill(pair, 'items', 12_000);
    await using running = RunningMigration.start(pair);
    running.steering.limit({ copyBytesPerSecond: 1 });
    await running.until('the first batch', ({ copy }) => copy.partitionsTotal === 1);
    await eventually(
      async () => (await pair.destination.client.db('shop').collection('items').estimatedDocumentCount()) > 0,
      { what: 'the one batch that may pass' },
    );
    assert.equal(running.progress.copy.partitionsDone, 0);
    running.steering.limit({ copyBytesPerSecond: null });
    await running.untilReady();
  });
});

function figuresOf({ copy, indexes, changes }: Progress): number[] {
  return [copy.documentsCopied, copy.partitionsDone, copy.collectionsDone, indexes.built, changes.applied];
}

async function fill({ source }: ReplicaSetPair, name: string, documents: number): Promise<void> {
  const filling = 'x'.repeat(700);
  const collection = source.client.db('shop').collection<{ _id: number }>(name);
  await collection.insertMany(Array.from({ length: documents }, (_, n) => ({ _id: n, n, filling })));
}
