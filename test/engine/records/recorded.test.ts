import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { newWatch } from '../../../src/contract/index.ts';
import type { Fence } from '../../../src/engine/mongodb/fence.ts';
import { clusterIdOf, watchClusters } from '../../../src/engine/records/confirm-clusters.ts';
import { closeFailback, closeOnEither } from '../../../src/engine/records/failback.ts';
import { MadeAccounts } from '../../../src/engine/records/made-accounts.ts';
import { MigrationLog } from '../../../src/engine/records/migration-log.ts';
import { recordSourceWatch } from '../../../src/engine/records/record-source-watch.ts';
import type { MigrationRecord } from '../../../src/engine/records/records.ts';
import { putRecords } from '../../../src/engine/records/write-records.ts';
import { systemClock } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { takeMigration } from '../taken-migration.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const LOST = { code: 'CUTOVER_RECORD_LOST' };

suite('records of a migration on its clusters', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });
  beforeEach(() => emptyPair(pair));

  const migrations = ({ client }: ReplicaSet) =>
    client.db('linkspan_internal').collection<MigrationRecord>('migrations');
  const closedBy = async (set: ReplicaSet) => (await migrations(set).findOne({ _id: 'm' }))?.failbackClosedBy?.length;
  /** Records a committed migration, as an engine leaves it. */
  const record = async (set: ReplicaSet, fields: object = {}) => {
    const cutover = { requestedAtMs: 0, blocking: true, committed: true };
    await migrations(set).insertOne({ _id: 'm', state: 'COMMITTED', cutover, ...fields } as MigrationRecord);
  };

  test('a failback is closed on the side that has the record of the cutover, whichever it is, and on no other', async () => {
    const { source, destination } = pair;
    const close = () => closeOnEither(pair, 'm', undefined);
    await assert.rejects(closeFailback(destination, 'm'), LOST);
    await assert.rejects(close(), LOST);
    await record(source);
    await close();
    assert.equal(await closedBy(source), 1);
    await record(destination);
    await close();
    assert.deepEqual([await closedBy(source), await closedBy(destination)], [1, 1]);
  });

  test('the watch of the old source is on record when it is saved, and not for a migration that another one has retired', async () => {
    const until = '2026-01-01T00:00:00Z';
    const watch = { ...newWatch({ token: '8265F0000000000000' }, until), changes: 2, namespaces: ['shop.a', 'shop.b'] };
    const { destination } = pair;
    const recorded = async () => (await migrations(destination).findOne({ _id: 'm' }))?.cutover;
    await record(destination);
    await recordSourceWatch(destination, 'm', watch);
    const saved = await recorded();
    assert.deepEqual(saved?.writtenAfterCommit, { count: 2, namespaces: 'shop.a, shop.b' });
    assert.equal(saved?.watch?.changes, 2);
    await migrations(destination).deleteMany({});
    await record(destination, { retiredBy: 'other' });
    await recordSourceWatch(destination, 'm', watch);
    assert.equal((await recorded())?.watch, undefined);
  });

  test('a run ends once another cluster answers in place of its destination', async () => {
    const run = new AbortController();
    let looks = 0;
    const sleep = async () => {
      looks += 1;
      if (looks > 2) run.abort();
    };
    const { client } = pair.source;
    const sourceId = await clusterIdOf(client);
    const context = {
      ...unconnectedContext(run.signal),
      source: client,
      destination: pair.destination.client,
      clock: { ...systemClock, sleep },
      identity: { sourceId, destinationId: sourceId },
    };
    await assert.rejects(watchClusters(context), { code: 'OTHER_SOURCE' });
  });

  test('accounts of another source lose the names that this one takes, and keep their others', async () => {
    const { client } = pair.destination;
    const { fence } = await takeMigration(client);
    await new MadeAccounts(fence, 'other').announce(
      ['shop.taken', 'shop.kept'].map((id) => ({ kind: 'user', id, userId: id })),
    );
    const accounts = new MadeAccounts(fence, 'source');
    await accounts.all();
    await accounts.takeNames([{ kind: 'user', id: 'shop.taken' }]);
    const left = await client.db('linkspan_internal').collection('accounts').find().toArray();
    assert.deepEqual(
      left.map(({ userIds }) => userIds),
      [['shop.kept']],
    );
  });
});

test('a record that the server refuses is not taken for written (a stand-in refuses it)', async () => {
  const writeErrors = [{ index: 0, code: 121, errmsg: 'Document failed validation' }];
  const fence = { write: async () => ({ n: 0, writeErrors }) } as unknown as Fence;
  await assert.rejects(putRecords(fence, 'suspects', [{ _id: 1 }]), {
    code: 121,
    message: 'Document failed validation',
  });
});

test('a destination without a record of the migration is not taken for one that was restored from a backup', () => {
  const { checkpoint } = unconnectedContext(new AbortController().signal);
  const log = new MigrationLog(checkpoint, systemClock, { _id: 'm', term: 2 } as MigrationRecord);
  assert.equal(log.isOlder(undefined), false);
});
