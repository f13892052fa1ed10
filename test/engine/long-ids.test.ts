import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onReach } from '../../src/platform/index.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { startPair } from '../support/replica-set.ts';
import { RunningMigration } from './running-migration.ts';

const ID_BYTES = 20_000;
/** Few enough for one flush of the spool, and together more than a server takes as one command, which is 16 MiB. */
const DOCUMENTS = 900;

test('keys that change during the copy may together be larger than a command, while the destination stalls', async () => {
  await using pair = await startPair();
  const source = pair.source.client.db('shop').collection<{ _id: string; v: number }>('c');
  const ids = Array.from({ length: DOCUMENTS }, (_, n) => String(n).padStart(ID_BYTES, '0'));
  await source.insertMany(ids.map((_id) => ({ _id, v: 0 })));
  let changed: Promise<void> | undefined;
  const held = Promise.withResolvers<void>();
  using _ = onReach('engine.copy.batch-acknowledged', async () => {
    changed ??= (async () => {
      await source.updateMany({}, { $set: { v: 1 } });
    })();
    await changed;
    await held.promise;
  });
  using __ = onReach('engine.write.insert.spool', () => held.promise);
  await using running = RunningMigration.start(pair, { memoryBytes: 2_000_000_000 });
  await running.until('all changes to be read', ({ changes }) => changes.duringCopy >= DOCUMENTS);
  held.resolve();
  await running.commit();
  assert.deepEqual((await compareClusters(pair.source.client, pair.destination.client)).differences, []);
});
