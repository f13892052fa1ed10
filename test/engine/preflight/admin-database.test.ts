import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NamespaceFilters, preflight } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

test('collections of users in the database admin are refused by name, unless they are not selected', async () => {
  await using pair = await startPair();
  await pair.source.client.db('admin').collection('settings').insertOne({ n: 1 });
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  const find = async (filters: NamespaceFilters) =>
    (
      await preflight({
        migrationId: newId(),
        source: { uri: pair.source.uri },
        destination: { uri: pair.destination.uri },
        dropDestination: false,
        filters,
        logger: silentLogger,
      })
    ).filter(({ code }) => code === 'UNSUPPORTED_NAMESPACE');
  const [finding, ...others] = await find({});
  assert.deepEqual([finding?.severity, finding?.namespace, others], ['ERROR', 'admin.settings', []]);
  assert.match(finding?.message ?? '', /in the database admin, whose changes no change stream shows/);
  await using refused = RunningMigration.start(pair);
  await assert.rejects(refused.outcome, { code: 'UNSUPPORTED_NAMESPACE', message: /admin\.settings/ });

  assert.deepEqual(await find({ include: [{ database: 'shop' }] }), []);
  assert.deepEqual(await find({ exclude: [{ database: 'admin', collections: ['settings'] }] }), []);
});

test('one that is made there while the migration follows ends the cutover, with the source open', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await pair.source.client.db('admin').collection('settings').insertOne({ n: 1 });
  running.steering.cutOver();
  await assert.rejects(running.outcome, { code: 'UNSUPPORTED_NAMESPACE', message: /admin\.settings/ });
  await pair.source.client.db('shop').collection('items').insertOne({ n: 2 });
});
