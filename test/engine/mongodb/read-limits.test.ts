import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { SentCommands } from '../../support/sent-commands.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

// id: reads-name-their-limit
test('every read that a migration sends names its limit, which a cluster sets otherwise', async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  await db.collection('items').insertMany(numbered(10));
  await db.createCollection('log', { capped: true, size: 100_000 });
  await db.collection('log').insertMany(numbered(10));
  await using source = await SentCommands.inFrontOf((await pair.source.primary()).port);
  await using destination = await SentCommands.inFrontOf((await pair.destination.primary()).port);
  await using running = RunningMigration.start({ source, destination }, { usersAndRoles: true });
  await running.untilReady();
  await db.collection('items').updateMany({}, { $set: { changed: true } });
  await running.commit();
  for (const { commands } of [source, destination]) {
    const reads = commands.filter(({ find, aggregate }) => find !== undefined || aggregate !== undefined);
    assert.ok(reads.some(({ find }) => find === 'items'));
    assert.deepEqual(
      reads.filter(({ maxTimeMS }) => maxTimeMS === undefined).map(({ find, aggregate }) => find ?? aggregate),
      [],
    );
  }
});
