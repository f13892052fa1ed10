import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SideWriter } from '../engine/cutover/side-writer.ts';
import { OF_CUTOVER, OF_REVERSE } from '../engine/kill-points.ts';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';
import { startSync } from '../support/sync-process.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
/**
 * Kills at each step of a cutover and of what prepares the next direction, for the failback and for the way there again.
 * Both sides have kept their indexes, so the end of a cutover changes none.
 */
const OF_TURN = [...OF_REVERSE, ...OF_CUTOVER.filter((point) => !point.startsWith('engine.change.collMod'))];
const HOOKS = [...OF_TURN, ...OF_TURN];
const STEP_WITHIN_MS = 90_000;
const POLL_MS = 200;
/** A killed engine leaves each state for longer than that. */
const BETWEEN_WRITES_MS = 100;

test('a reversible migration that is killed at each step goes there, back and there again with one writable side', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const shop = pair.source.client.db('shop');
  await shop.collection('orders').insertMany(numbered(200));
  await shop.collection('orders').createIndex({ n: 1 }, { unique: true });
  await shop.collection('sessions').createIndex({ at: 1 }, { expireAfterSeconds: 3_600 });
  const { source, destination } = await reversibleUsers(pair);
  const uris = { source: source.uri, destination: destination.uri };
  const hooks = [...HOOKS];
  await using resources = new AsyncDisposableStack();
  const writers: SideWriter[] = [];
  let turns = 0;

  while (true) {
    const hook = hooks[0];
    await using sync = await startSync(uris, ['--reversible'], hook === undefined ? {} : { hook: `${hook}=kill` });
    if (writers.length === 0) {
      await eventually(async () => (await sync.progress()).canCommit, {
        what: 'to be ready',
        deadlineMs: STEP_WITHIN_MS,
        pollMs: POLL_MS,
      });
      for (const side of ['source', 'destination'] as const)
        writers.push(resources.use(await SideWriter.start(pair[side], side, BETWEEN_WRITES_MS)));
    }
    const isOver = new AbortController();
    const died = sync.linkspan.exit.then(() => isOver.abort());
    const isDone = async () => {
      const progress = await sync.progress();
      assert.notEqual(progress.linkspan?.failback?.state, 'FAILED', JSON.stringify(progress.linkspan?.failback));
      if (progress.state === 'RUNNING' && progress.canCommit) await sync.call('commit');
      if (progress.state !== 'COMMITTED') return false;
      const reversals = progress.directionMapping.Source.startsWith('cluster0') ? 0 : 1;
      if (turns % 2 === reversals) turns += 1;
      if (hook === undefined && turns === 3) return true;
      if (progress.linkspan.failback?.ready) await sync.call('reverse');
      return false;
    };
    const answered = () =>
      isDone().catch((error: unknown) => {
        if (isOver.signal.aborted || error instanceof TypeError) return false;
        throw error;
      });
    const ended = async () => isOver.signal.aborted || (await answered());
    await eventually(ended, { what: hook ?? 'the last cutover', deadlineMs: STEP_WITHIN_MS, pollMs: POLL_MS });
    if (!isOver.signal.aborted) {
      for (const writer of writers) await writer.stop();
      await SideWriter.assertTurns(writers, 3);
      const { source, destination } = pair;
      const differences = async () => (await compareClusters(source.client, destination.client)).differences;
      await eventually(async () => (await differences()).length === 0, {
        what: 'both sides to be identical',
        pollMs: POLL_MS,
      });
      assert.deepEqual(await sync.call('finish'), { success: true });
      return;
    }
    await died;
    hooks.shift();
  }
});
