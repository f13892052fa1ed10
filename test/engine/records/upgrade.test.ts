import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document, MongoClient } from 'mongodb';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** Fields that engines before the fence (docs/adr/0006-fence.md) did not write. */
const ADDED = ['sessions', 'writer', 'stateAtMs', 'savedAt', 'blocksDestination', 'repairs'];
const ADDED_COUNTS = ['restarts', 'compared', 'differed'];

/** Five batches of the copy. */
const DOCUMENTS = 2_500;

/** Changes the records of a migration to those of such an engine. */
async function age(destination: MongoClient, migrationId: string): Promise<void> {
  const internal = destination.db('linkspan_internal');
  const gone = [...ADDED, ...ADDED_COUNTS.map((count) => `counts.${count}`)];
  const migrations = internal.collection<Document & { _id: string }>('migrations');
  await migrations.updateOne({ _id: migrationId }, { $unset: Object.fromEntries(gone.map((field) => [field, 1])) });
  for (const name of ['suspects', 'accounts']) await internal.dropCollection(name);
}

for (const phase of ['copying', 'tailing'] as const) {
  test(`a migration that an engine before the fence left ${phase} resumes where it was`, async () => {
    await using pair = await startPair();
    const items = pair.source.client.db('shop').collection('items');
    const text = 'x'.repeat(8_000);
    await items.insertMany(Array.from({ length: DOCUMENTS }, () => ({ text })));
    await using first = RunningMigration.start(pair, phase === 'copying' ? { copyBytesPerSecond: 100_000 } : {});
    const { migrationId } = first.progress;
    if (phase === 'copying') await first.until('some documents to be copied', ({ copy }) => copy.documentsCopied > 0);
    else await first.untilReady();
    assert.equal(await first.stop(), 'stopped');
    const copied = first.progress.copy.documentsCopied;
    assert.ok(phase === 'tailing' || copied < DOCUMENTS, `${copied} documents were copied`);
    await age(pair.destination.client, migrationId);
    await items.updateMany({}, { $set: { changed: true } });

    await using second = RunningMigration.start(pair, { migrationId });
    await second.commit();
    await expectIdentical(pair);
    assert.equal(second.progress.copy.documentsCopied, DOCUMENTS);
    assert.equal(second.progress.copy.restarts, 0);
  });
}
