import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CHECKPOINT_SCHEMA } from '../../../src/engine/records/records.ts';
import { systemClock } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';
import { verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

const DURING_MIGRATION = { code: 'REPAIR_DURING_MIGRATION' };

interface Item {
  _id: number;
  n: number;
}

interface StoredRecord {
  _id: string;
  schema: number;
  state: string;
  sourceId?: string;
  reversals?: number;
  phases?: readonly { readonly name: string }[];
  cutover?: object;
}

const schema = CHECKPOINT_SCHEMA;
const itemsOf = ({ client }: ReplicaSet) => client.db('shop').collection<Item>('items');
const recordsOf = ({ client }: ReplicaSet) => client.db('linkspan_internal').collection<StoredRecord>('migrations');

async function replicaSetIdOf({ client }: ReplicaSet): Promise<string> {
  const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
  return String(config.settings.replicaSetId);
}

// id: after-reversible-cutover
test('a repair does not undo what users write after a reversible cutover, whichever side has the record', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await itemsOf(pair.source).insertMany(identified(10, { n: 0 }));
  await using running = new RunningReversible(await reversibleUsers(pair));
  await running.cutOver();
  await running.stop();
  // Nothing takes these to the old source.
  await itemsOf(pair.destination).updateOne({ _id: 1 }, { $set: { n: 1 } });
  await itemsOf(pair.destination).insertOne({ _id: 11, n: 1 });
  await assert.rejects(verify(pair, { repair: true }), DURING_MIGRATION);
  await recordsOf(pair.destination).deleteMany({});
  await assert.rejects(verify(pair, { repair: true }), DURING_MIGRATION);
  assert.equal(await itemsOf(pair.destination).countDocuments({ n: 1 }), 2);
});

describe('beside records of migrations', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());
  beforeEach(async () => {
    await emptyPair(pair);
    await itemsOf(pair.source).insertMany(identified(400, { n: 0 }));
    await itemsOf(pair.destination).insertMany(identified(400, { n: 1 }));
  });

  const cutover = { committed: true, reverseFrom: { _data: '82' } };

  // id: waits-for-failback
  test('a repair waits until the failback of a cutover is closed, and the migration has ended', async () => {
    const records = recordsOf(pair.destination);
    await records.insertOne({ _id: 'a'.repeat(24), schema, state: 'COMMITTED', phases: [], cutover });
    await assert.rejects(verify(pair, { repair: true }), DURING_MIGRATION);
    await records.updateOne({}, { $set: { failbackClosedBy: ['b'.repeat(24)] } });
    await recordsOf(pair.source).insertOne({ _id: 'a'.repeat(24), schema, state: 'CANCELLED', phases: [] });
    const { report } = await verify(pair, { repair: true });
    assert.deepEqual([report.result, report.differences.repaired], ['EQUAL', 400], report.explanation);
  });

  // id: after-cutover-from-this-source
  test('a repair does not undo what users write after a cutover from this source', async () => {
    const sourceId = await replicaSetIdOf(pair.source);
    const record = { _id: 'a'.repeat(24), schema, state: 'COMMITTED', sourceId, phases: [{ name: 'CUTOVER' }] };
    const records = recordsOf(pair.destination);
    await records.insertOne(record);
    await assert.rejects(verify(pair, { repair: true }), {
      ...DURING_MIGRATION,
      message: /committed from this source/,
    });
    // The users have returned to the source since.
    await recordsOf(pair.source).insertOne({ ...record, sourceId: 'b'.repeat(24), reversals: 1 });
    assert.equal((await verify(pair, { repair: true })).report.differences.repaired, 400);
  });

  // id: after-possible-cutover
  test('a repair does not undo what users write after a cutover that may be from this source', async () => {
    const records = recordsOf(pair.destination);
    await records.insertOne({
      _id: 'a'.repeat(24),
      schema,
      state: 'COMMITTED',
      sourceId: '',
      phases: [{ name: 'CUTOVER' }],
    });
    await assert.rejects(verify(pair, { repair: true }), {
      ...DURING_MIGRATION,
      message: /committed from a source without a known replicaSetId/,
    });
    assert.equal(await itemsOf(pair.destination).countDocuments({ n: 1 }), 400);
  });

  test('the open failback of a migration from a third cluster into the source does not refuse repairs', async () => {
    const records = recordsOf(pair.source);
    const _id = 'a'.repeat(24);
    await records.insertOne({ _id, schema, state: 'COMMITTED', sourceId: 'b'.repeat(24), phases: [], cutover });
    assert.equal((await verify(pair, { repair: true })).report.differences.repaired, 400);
    // The failback between the same two clusters does.
    await records.updateOne({}, { $set: { sourceId: await replicaSetIdOf(pair.destination) } });
    await assert.rejects(verify(pair, { repair: true }), DURING_MIGRATION);
  });

  // id: waits-for-third-cluster
  test('a repair waits until a migration from a third cluster has copied the source', async () => {
    await itemsOf(pair.source).deleteMany({ _id: { $gt: 10 } });
    const record = { _id: 'a'.repeat(24), schema, state: 'COPYING', sourceId: 'b'.repeat(24), phases: [] };
    await recordsOf(pair.source).insertOne(record);
    await assert.rejects(verify(pair, { repair: true }), {
      ...DURING_MIGRATION,
      message: /could overwrite or delete documents of the destination that the migration has not copied to the source/,
    });
    assert.equal(await itemsOf(pair.destination).countDocuments(), 400);
  });

  test('a repair from another source than that of the cutover, and one after a copy with `once`, are carried out', async () => {
    const records = recordsOf(pair.destination);
    await records.insertOne({
      _id: 'a'.repeat(24),
      schema,
      state: 'COMMITTED',
      sourceId: 'b'.repeat(24),
      phases: [{ name: 'CUTOVER' }],
    });
    const sourceId = await replicaSetIdOf(pair.source);
    await records.insertOne({
      _id: 'b'.repeat(24),
      schema,
      state: 'COMMITTED',
      sourceId,
      phases: [{ name: 'COPYING' }],
    });
    assert.equal((await verify(pair, { repair: true })).report.differences.repaired, 400);
  });

  test('beside a record of another version, on either side, nothing is repaired', async () => {
    for (const records of [recordsOf(pair.source), recordsOf(pair.destination)]) {
      await records.insertOne({ _id: 'a'.repeat(24), schema: schema - 1, state: 'COMMITTED', phases: [] });
      const refusal = { code: 'CHECKPOINT_OF_OTHER_VERSION', message: /^The checkpoint of migration a{24} / };
      await assert.rejects(verify(pair, { repair: true }), refusal);
      await records.deleteMany({});
    }
    assert.equal(await itemsOf(pair.destination).countDocuments({ n: 1 }), 400);
  });

  for (const [when, point, most] of [
    ['before a repair', 'engine.compare.judging', 0],
    ['during a repair', 'engine.compare.repaired', 399],
  ] as const) {
    test(`a migration that begins ${when} ends it`, async () => {
      let passedMs = 0;
      using _ = onceAt(point, async () => {
        await recordsOf(pair.source).insertOne({ _id: 'a'.repeat(24), schema, state: 'FOLLOWING' });
        // Then the last confirmation is out of date.
        passedMs = 2_000;
      });
      const clock = { ...systemClock, elapsed: () => systemClock.elapsed() + passedMs };
      await assert.rejects(verify(pair, { repair: true, clock }), DURING_MIGRATION);
      const written = await itemsOf(pair.destination).countDocuments({ n: 0 });
      assert.ok(written <= most, `${written} documents were written`);
    });
  }
});

// id: records-not-readable
test('a repair whose user may not read the records of migrations is refused', async () => {
  await using pair = await startPair({ source: { auth: true } });
  for (const side of [pair.source, pair.destination]) await itemsOf(side).insertMany(identified(10, { n: 0 }));
  const privileges = [
    { resource: { db: 'shop', collection: '' }, actions: ['find', 'listCollections', 'listIndexes'] },
    { resource: { cluster: true }, actions: ['listDatabases'] },
  ];
  await pair.source.client.db('admin').command({ createRole: 'shopReader', privileges, roles: [] });
  await pair.source.createUser('reader', 'secret', ['shopReader']);
  const options = {
    source: { uri: pair.source.uriFor('reader', 'secret') },
    filters: { include: [{ database: 'shop' }] },
  };
  assert.equal((await verify(pair, options)).report.result, 'EQUAL');
  // At the start, although there is nothing to repair.
  await assert.rejects(verify(pair, { ...options, repair: true }), {
    code: 'REPAIR_UNCHECKED',
    message: /^The source refuses to let the user read linkspan_internal\.migrations/,
  });
});

// id: without-replica-set-id
test('a set without a replicaSetId is repaired beside the cutover of another source, and not beside its own', async () => {
  await using pair = await startPair();
  await forgetReplicaSetId(pair.source);
  for (const [n, side] of [pair.source, pair.destination].entries())
    await itemsOf(side).insertMany(identified(10, { n }));
  const record = { schema, state: 'COMMITTED', phases: [{ name: 'CUTOVER' }] };
  await recordsOf(pair.destination).insertOne({ ...record, _id: 'a'.repeat(24), sourceId: 'b'.repeat(24) });
  assert.equal((await verify(pair, { repair: true })).report.differences.repaired, 10);
  await recordsOf(pair.destination).insertOne({ ...record, _id: 'b'.repeat(24), sourceId: '' });
  await assert.rejects(verify(pair, { repair: true }), DURING_MIGRATION);
});

test('a repair whose user may not read the id of the source is refused beside a cutover', async () => {
  await using pair = await startPair({ source: { auth: true } });
  for (const side of [pair.source, pair.destination]) await itemsOf(side).insertMany(identified(10, { n: 0 }));
  const record = {
    _id: 'a'.repeat(24),
    schema,
    state: 'COMMITTED',
    sourceId: 'b'.repeat(24),
    phases: [{ name: 'CUTOVER' }],
  };
  await recordsOf(pair.destination).insertOne(record);
  await pair.source.createUser('reader', 'secret', ['readAnyDatabase']);
  const source = { uri: pair.source.uriFor('reader', 'secret') };
  await assert.rejects(verify(pair, { source, repair: true }), {
    code: 'REPAIR_UNCHECKED',
    message: /^The source refuses to let the user read its configuration \(.*replSetGetConfig/,
  });
});

/** Makes a set like one that was initiated before servers gave sets an id. */
async function forgetReplicaSetId({ client, members: [member], primary }: ReplicaSet): Promise<void> {
  const updates = [{ q: {}, u: { $unset: { 'settings.replicaSetId': 1 } } }];
  await client.db('local').command({ update: 'system.replset', updates });
  await member?.kill('SIGTERM');
  await member?.restart();
  await primary();
}
