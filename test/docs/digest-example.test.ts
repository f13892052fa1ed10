import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Decimal128, Double, Long } from 'mongodb';
import { findPython, runClient, skipReason } from '../atlas-api/foreign-clients.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { BUILT } from './documents.ts';

const read = (file: string) => readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8');

const python = await findPython(['pymongo==4.20.1']);

test('a program of 30 lines with a plain driver recomputes what linkspan digest reports', {
  skip: skipReason(python),
}, async () => {
  await using set = await startReplicaSet();
  const db = set.client.db('shop');
  await db
    .collection<{ _id: unknown }>('orders')
    .insertMany([
      { _id: new Double(-0) },
      { _id: Long.fromString('9007199254740993'), text: 'ä'.repeat(1_000) } as { _id: unknown },
      { _id: Decimal128.fromString('1.50') },
      { _id: { b: 1, a: new Double(Number.NaN) } },
      ...Array.from({ length: 3_000 }, (_, n) => ({ _id: `${n}`, n })),
    ]);
  await db.createCollection('log', { capped: true, size: 100_000 });
  await db.collection<{ _id: number }>('log').insertMany([3, 1, 2].map((_id) => ({ _id })));
  await db.createCollection('series', { timeseries: { timeField: 't' } });
  await db.collection('series').insertOne({ t: new Date() });
  await db.createCollection('empty');

  await using linkspan = runLinkspan(['digest', set.uri, '--output', 'json']);
  assert.equal((await linkspan.exit).code, 0, linkspan.stderr);
  const { report } = JSON.parse(linkspan.stdout);
  const program = read('examples/digest.py');
  for (const { namespace, count, bytes, digest, orderDigest } of report.collections) {
    const name = namespace === 'shop.series' ? 'system.buckets.series' : namespace.slice('shop.'.length);
    const expected: Record<string, unknown> = { count, bytes, digest };
    if (orderDigest !== undefined) expected.orderDigest = orderDigest;
    const lines = Object.entries(expected).map(([key, value]) => `${key} ${value}\n`);
    assert.equal(await runClient(python, program, set.uri, 'shop', name), lines.join(''), namespace);
  }
  assert.equal(report.collections.length, 4);

  const schema = BUILT['docs/reference/digest-report.schema.json']?.('') ?? '';
  const validate = new Ajv2020({ validateFormats: false }).compile(JSON.parse(schema));
  assert.ok(validate(report), JSON.stringify(validate.errors));
  assert.ok(!validate(Object.assign({}, report, { claim: 'equal' })));
});
