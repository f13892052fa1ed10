import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BSON, Decimal128, type Document, Double, Int32, Long } from 'mongodb';
import { documentOf } from '../../../src/engine/catalog/fields.ts';
import { isUnique, readIndexSpec, sameButForWeakening } from '../../../src/engine/catalog/index-spec.ts';
import { preflight } from '../../../src/engine/index.ts';
import { newId, onFailpoint, silentLogger } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { PLANTING, plantIndexes } from '../../support/plant-indexes.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { SentCommands } from '../../support/sent-commands.ts';
import { needsNoDialect, needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

const int = (value: number) => new Int32(value);

function modern(spec: Document): { spec: Document; changes: readonly string[] } {
  const read = readIndexSpec(Buffer.from(BSON.serialize({ name: 'i', ...spec })));
  assert.ok(read !== undefined);
  const { name: _, ...fields } = BSON.deserialize(documentOf(read.fields), { promoteValues: false });
  return { spec: fields, changes: read.changes };
}

/** Index specifications that old servers may have left in a catalog, and what current servers store instead. */
const LEGACY: readonly [what: string, legacy: Document, today: Document][] = [
  [
    'a number for true',
    { key: { a: int(1) }, unique: int(1), sparse: new Double(1) },
    { key: { a: int(1) }, unique: true, sparse: true },
  ],
  [
    'a number for false',
    { key: { a: int(1) }, unique: int(0), sparse: new Long(0) },
    { key: { a: int(1) }, sparse: false },
  ],
  [
    'a string for true',
    { key: { a: int(1) }, background: 'yes', hidden: 'no' },
    { key: { a: int(1) }, background: true, hidden: true },
  ],
  [
    'directions that are none',
    { key: { a: true, b: null, c: '', d: int(0), e: new Double(-0), f: new Double(Number.NaN) } },
    { key: { a: int(1), b: int(1), c: int(1), d: int(1), e: int(1), f: int(1) } },
  ],
  ['a direction of decimal zero', { key: { 'ä.b': Decimal128.fromString('0.00') } }, { key: { 'ä.b': int(1) } }],
  [
    'seconds of another type',
    { key: { a: int(1) }, expireAfterSeconds: new Double(3_600.7) },
    { key: { a: int(1) }, expireAfterSeconds: int(3_600) },
  ],
  [
    'seconds that are no number',
    { key: { a: int(1) }, expireAfterSeconds: new Double(Number.NaN) },
    { key: { a: int(1) }, expireAfterSeconds: int(2_147_483_647) },
  ],
  [
    'seconds beyond the largest number',
    { key: { a: int(1) }, expireAfterSeconds: Long.fromNumber(1e12) },
    { key: { a: int(1) }, expireAfterSeconds: int(2_147_483_647) },
  ],
  [
    'expiry by two fields',
    { key: { a: int(1), b: int(1) }, expireAfterSeconds: int(5) },
    { key: { a: int(1), b: int(1) } },
  ],
  [
    'options without effect',
    { key: { a: int(1) }, dropDups: true, bucketSize: int(1), ns: 'a.b', bits: int(26), min: int(1) },
    { key: { a: int(1) } },
  ],
  [
    'a 2dsphere index without version',
    { key: { a: '2dsphere' }, v: int(1) },
    { key: { a: '2dsphere' }, v: int(1), '2dsphereIndexVersion': int(1) },
  ],
  [
    'a text index without version',
    { key: { _fts: 'text', _ftsx: int(1) }, v: new Double(1), weights: { a: new Double(2) } },
    { key: { _fts: 'text', _ftsx: int(1) }, v: int(1), weights: { a: int(2) }, textIndexVersion: int(1) },
  ],
  [
    'numbers of 2d',
    { key: { a: '2d' }, v: new Double(2), bits: new Long(20), max: int(7) },
    { key: { a: '2d' }, v: int(2), bits: int(20), max: new Double(7) },
  ],
  ['an empty projection', { key: { '$**': int(1) }, wildcardProjection: {} }, { key: { '$**': int(1) } }],
];

/** Specifications that look odd and that a server accepts unchanged (tried on 6.0.5). */
const KEPT: readonly Document[] = [
  {
    key: {
      a: new Double(1),
      b: new Double(-1.5),
      c: new Long(1),
      d: new Double(1e-12),
      e: Decimal128.fromString('-1'),
    },
  },
  { key: { a: int(1) }, v: int(1), sparse: false, background: true },
  { key: { a: 'hashed', b: int(1) } },
  { key: { a: int(1) }, partialFilterExpression: { b: { $gt: new Double(5) } } },
  { key: { '$**': int(1) }, wildcardProjection: { a: int(1), _id: new Double(0) } },
  { key: { 'of a time series': '2dsphere' }, v: int(2) },
  { key: { a: int(1) }, anotherOption: int(1) },
];

test('what is kept of an index or of options keeps nothing else of the reply in memory', () => {
  const spec = Buffer.from(BSON.serialize({ v: int(2), key: { a: int(1) }, name: 'a_1' }));
  const reply = Buffer.concat([Buffer.alloc(60_000), spec]);
  const read = readIndexSpec(reply.subarray(60_000));
  assert.ok(read !== undefined);
  for (const { bytes } of [...read.original.values(), ...read.fields.values()])
    assert.equal(bytes.buffer.byteLength, spec.length);
});

test('old index specifications take the form that servers store today', () => {
  for (const [what, legacy, today] of LEGACY) {
    const { spec, changes } = modern(legacy);
    assert.deepEqual(spec, today, what);
    assert.ok(changes.length > 0, what);
    assert.deepEqual(modern(today), { spec: today, changes: [] }, `${what}: modern already`);
  }
  for (const kept of KEPT) assert.deepEqual(modern(kept), { spec: kept, changes: [] });
});

test('a simple collation, which MongoDB 9.0.0 lists for each index without one, is none', () => {
  for (const spec of [{ key: { a: int(1) } }, { key: { a: int(1) }, v: int(1) }])
    assert.deepEqual(modern({ ...spec, collation: { locale: 'simple' } }), { spec, changes: [] });
  const german = { key: { a: int(1) }, collation: { locale: 'de' } };
  assert.deepEqual(modern(german), { spec: german, changes: [] });
});

test('indexes of a destination that lists the simple collation are as wanted (a dialect, not a real server)', {
  skip: needsNoDialect('this test has its own'),
}, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  await db.createCollection('german', { collation: { locale: 'de' } });
  for (const [name, options] of [
    ['items', {}],
    ['german', { collation: { locale: 'simple' } }],
  ] as const) {
    await db.collection(name).insertOne({ n: 1 });
    await db.collection(name).createIndex({ n: 1 }, options);
  }
  await using destination = await SentCommands.inFrontOf((await pair.destination.primary()).port, {
    listIndexes: ({ cursor, ...reply }) => ({
      ...reply,
      cursor: {
        ...cursor,
        firstBatch: cursor.firstBatch.map((spec: Document) => ({ collation: { locale: 'simple' }, ...spec })),
      },
    }),
  });
  const clusters = { source: pair.source, destination };
  const migrationId = newId();
  await using first = RunningMigration.start(clusters, { migrationId });
  await first.untilReady();
  await first.stop();
  await using second = RunningMigration.start(clusters, { migrationId });
  await second.commit();
  await expectIdentical(pair);
  assert.ok(destination.commands.some(({ createIndexes }) => createIndexes === 'items'));
  assert.deepEqual(
    destination.commands.filter(({ dropIndexes }) => dropIndexes !== undefined),
    [],
  );
});

test('a number makes an index as unique as true does', () => {
  const read = (spec: Document) => {
    const index = readIndexSpec(Buffer.from(BSON.serialize({ name: 'i', key: { a: int(1) }, ...spec })));
    assert.ok(index !== undefined);
    return index;
  };
  assert.equal(isUnique(read({ unique: int(1) })), true);
  assert.equal(isUnique(read({ unique: new Double(0) })), false);
  assert.equal(sameButForWeakening(read({ unique: int(1), sparse: int(1) }), read({ sparse: true })), true);
});

describe('indexes that old servers made', () => {
  checkForLeaks({ sockets: false });

  // id: legacy-indexes-converted
  test('are migrated in the current form, reported with what was changed, and do the same', async () => {
    await using pair = await startPair({ source: { setParameters: PLANTING } });
    const planted = {
      directions: { v: 1, key: { a: true, b: -1, c: '' }, name: 'odd', unique: true },
      expiring: { v: 1, key: { at: new Date(0) }, name: 'odd', expireAfterSeconds: 1 },
      never: { key: { a: 1, b: 1 }, name: 'odd', expireAfterSeconds: 5 },
      bucket: { key: { a: 1 }, name: 'odd', bucketSize: 1 },
    };
    const db = pair.source.client.db('old');
    for (const name of Object.keys(planted)) await db.createCollection(name);
    await plantIndexes(pair.source, Object.fromEntries(Object.entries(planted).map(([k, v]) => [`old.${k}`, v])));
    await db.collection('directions').insertMany([
      { a: 1, b: 1, c: 1 },
      { a: 1, b: 2, c: 1 },
    ]);
    let compared = 0;
    using _ = onFailpoint('engine.indexes.compared', () => {
      compared += 1;
    });
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    const built = await indexes(pair.destination, 'old');
    const named = running.progress.warnings.filter((warning) => /^The index odd of old\./.test(warning));
    assert.equal(named.length, 4, running.progress.warnings.join('\n'));
    assert.match(
      named.join('\n'),
      /of old\.directions .* key is \{"a":1,"b":-1,"c":1\} in place of \{"a":true,"b":-1,"c":""\}/,
    );
    assert.match(named.join('\n'), /of old\.never .* expireAfterSeconds is left out/);
    // A second comparison finds both sides in sync, and builds nothing again.
    const before = compared;
    const other = needsSource('6.0', 'its catalog has to stand still') ? [] : [['bucket', { other: 1 }]];
    if (other.length > 0) {
      await db.collection('bucket').createIndex({ other: 1 });
      await running.until('the other index', () => compared > before);
    }
    await running.commit();
    assert.deepEqual(
      (await indexes(pair.destination, 'old')).map(({ collection, key }) => [collection, key]).sort(),
      [...built.map(({ collection, key }) => [collection, key]), ...other].sort(),
    );
    const directions = (await indexes(pair.destination, 'old')).find(({ collection }) => collection === 'directions');
    assert.deepEqual(directions, {
      v: 1,
      key: { a: 1, b: -1, c: 1 },
      name: 'odd',
      unique: true,
      collection: 'directions',
    });
    const expiring = (await indexes(pair.destination, 'old')).find(({ collection }) => collection === 'expiring');
    assert.equal(expiring?.expireAfterSeconds, 1);
    const copies = pair.destination.client.db('old').collection('directions');
    await assert.rejects(copies.insertOne({ a: 1, b: 2, c: 1 }), { code: 11_000 });
  });

  test('are refused by name before the first byte when no current index does the same, or two would become one', async () => {
    await using pair = await startPair({ source: { setParameters: PLANTING } });
    const { source, destination } = pair;
    await source.client.db('old').createCollection('early');
    await source.client.db('old').createCollection('twice');
    await source.client.db('old').collection('twice').createIndex({ a: 1 });
    await plantIndexes(source, {
      'old.early': { key: { at: 1 }, name: 'before', expireAfterSeconds: -60 },
      'old.twice': { v: 1, key: { a: true }, name: 'also' },
    });
    const findings = await preflight({
      migrationId: newId(),
      source: { uri: source.uri },
      destination: { uri: destination.uri },
      dropDestination: false,
      logger: silentLogger,
    });
    const refused = findings.filter(({ severity }) => severity === 'ERROR').map(({ message }) => message);
    assert.equal(refused.length, 2);
    assert.match(refused.join('\n'), /old\.early .* indexed by before, whose expireAfterSeconds is below 0/);
    assert.match(refused.join('\n'), /old\.twice .* indexed twice alike, by a_1 and also/);
    await using running = RunningMigration.start(pair);
    await assert.rejects(running.outcome, { code: 'UNSUPPORTED_NAMESPACE' });
  });
});

/** All but those on `_id`. */
async function indexes({ client }: ReplicaSet, database: string): Promise<Document[]> {
  const listed: Document[] = [];
  for (const { name } of await client.db(database).listCollections().toArray()) {
    for (const index of await client.db(database).collection(name).listIndexes().toArray()) {
      if (index.name !== '_id_') listed.push({ ...index, collection: name });
    }
  }
  return listed;
}
