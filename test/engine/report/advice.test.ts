import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import type { GateName } from '../../../src/contract/index.ts';
import { leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';
import { gateOf } from './ready-watch.ts';

describe('the checklist of a migration', { skip: needsSource('6.0', 'it has no write block') }, async () => {
  test('advises about transactions and index builds of the source by application, and about write blocks, and stays ready', async () => {
    await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
    const shop = pair.source.client.db('shop');
    await shop.collection('a').insertMany(numbered(100, {}), { writeConcern: { w: 'majority' } });
    await using running = RunningMigration.start(await leastPrivilegeUsers(pair));
    await running.untilReady();
    const gate = (name: GateName) => gateOf(running.progress, name);
    const advises = async (name: GateName, reason: RegExp) =>
      await running.until(`advice about ${name}`, ({ readyForCutover }) => {
        const isAdvised = reason.test(gate(name)?.reasons.join() ?? '');
        if (isAdvised) assert.ok(readyForCutover, 'advice refuses nothing');
        return isAdvised;
      });
    await running.until('the first look', () => gate('DESTINATION_BLOCK')?.state === 'PASSED');
    assert.deepEqual(
      (['TRANSACTIONS', 'INDEX_BUILDS', 'SOURCE_BLOCK', 'OPLOG'] as const).map((name) => gate(name)?.state),
      ['PASSED', 'PASSED', 'PASSED', 'PASSED'],
    );

    await using application = new MongoClient(pair.source.uri, { appName: 'checkout' });
    const session = application.startSession();
    session.startTransaction();
    await application.db('shop').collection<{ _id: string }>('a').insertOne({ _id: 'open' }, { session });
    await advises('TRANSACTIONS', /^a transaction of checkout has been open for \d+ s$/);
    await session.abortTransaction();
    await session.endSession();
    await running.until('the end of the transaction', () => gate('TRANSACTIONS')?.state === 'PASSED');

    const admin = pair.source.client.db('admin');
    await admin.command({ configureFailPoint: 'hangAfterSettingUpIndexBuild', mode: 'alwaysOn' });
    const built = application.db('shop').collection('a').createIndex({ n: 1 });
    try {
      await advises('INDEX_BUILDS', /^an index is being built of checkout on shop\.a for \d+ s$/);
    } finally {
      await admin.command({ configureFailPoint: 'hangAfterSettingUpIndexBuild', mode: 'off' });
    }
    await built;
    await running.until('the end of the build', () => gate('INDEX_BUILDS')?.state === 'PASSED');

    await running.untilReady();
    await admin.command({ setUserWriteBlockMode: 1, global: true });
    await advises('SOURCE_BLOCK', /the write block of the source is set, and it isn't known by whom/);
    await admin.command({ setUserWriteBlockMode: 1, global: false });

    await pair.destination.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    await advises('DESTINATION_BLOCK', /another client has lifted its write block/);
  });

  test('says why a destination that keeps its data is not protected', async () => {
    await using pair = await startPair();
    await pair.source.client.db('shop').collection('a').insertOne({});
    await pair.destination.client.db('other').collection('kept').insertOne({});
    await using running = RunningMigration.start(pair, {
      keepDestination: true,
      filters: { include: [{ database: 'shop' }] },
    });
    await running.untilReady();
    const { state, reasons } = gateOf(running.progress, 'DESTINATION_BLOCK') ?? {};
    assert.equal(state, 'SKIPPED');
    assert.match(reasons?.join() ?? '', /keeps its other data/);
  });
});
