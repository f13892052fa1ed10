import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { BSON, Decimal128, type Document, Double, Int32, Long, MaxKey, MinKey, Timestamp } from 'mongodb';
import { isCertain } from '../../../src/engine/apply/dirty-key.ts';
import { type DocumentKey, keyOf } from '../../../src/engine/bson/document-key.ts';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { document, element } from '../../../src/engine/bson/raw-document.ts';
import { type ReplicaSet, startReplicaSet } from '../../support/replica-set.ts';

const DUPLICATE_KEY = 11_000;
const RUNS = 60;

let set: ReplicaSet;
before(async () => {
  set = await startReplicaSet();
});
after(() => set[Symbol.asyncDispose]());

const decimal = (text: string) => Decimal128.fromString(text);

/** Numbers at which types begin to differ in what they can hold. */
const NUMBERS: readonly unknown[] = [
  ...[0, 1, -1, 100, 2 ** 31 - 1, -(2 ** 31)].map((number) => new Int32(number)),
  ...['0', '1', '-1', '100', '9007199254740992', '9007199254740993', '9223372036854775807', '-9223372036854775808'].map(
    (digits) => Long.fromString(digits),
  ),
  ...[
    0,
    -0,
    1,
    -1,
    100,
    0.1,
    0.5,
    -0.5,
    2 ** -48,
    2 ** -49,
    5e-324,
    2 ** 53,
    2 ** 63,
    -(2 ** 63),
    1e22,
    1e23,
    1e300,
  ].map((number) => new Double(number)),
  ...[Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map(
    (number) => new Double(number),
  ),
  ...[
    '0',
    '-0',
    '0E+3',
    '0.000',
    '1',
    '1.0',
    '1E+0',
    '-1',
    '1E+2',
    '100.0',
    '0.1',
    '0.10',
    '0.5',
    '-0.500',
    '0.25',
  ].map(decimal),
  ...['3.552713678800501E-15', '3.552713678800500929355621337890625E-15'].map(decimal),
  ...['9007199254740992', '9007199254740993', '9007199254740993.0', '9223372036854775807', '9223372036854775808'].map(
    decimal,
  ),
  ...['-9223372036854775808', '1E+22', '1E+23', '99999999999999991611392', '1E+300', '1E+308', '1E+309', '10E+308'].map(
    decimal,
  ),
  ...['1E+6111', '1.0E+6111', '1E-6176', '5E-324', 'NaN', '-NaN', 'Infinity', '-Infinity', '9E+384'].map(decimal),
];

const fieldOf = (value: unknown): Raw => {
  const bytes = Buffer.from(BSON.serialize({ x: value }, { ignoreUndefined: false }));
  return { type: bytes[4] ?? 0, value: bytes.subarray(7, -1) };
};
interface Raw {
  readonly type: number;
  readonly value: Buffer;
}

const text = (type: number, bytes: Buffer): Raw => {
  const length = Buffer.alloc(4);
  length.writeInt32LE(bytes.length + 1);
  return { type, value: Buffer.concat([length, bytes, Buffer.of(0)]) };
};

/** Texts, also such as are no valid UTF-8, and such as have zeros in them. */
const TEXTS = ['', 'a', 'A', 'ä', 'a\0', 'a\0b', '1', '10', '\u00e4'].map((one) => Buffer.from(one));
TEXTS.push(Buffer.of(0xff), Buffer.of(0xc3, 0x28));

const leaf: fc.Arbitrary<Raw> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NUMBERS.map(fieldOf)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0x02, 0x0e, 0x0d), fc.constantFrom(...TEXTS))
      .map(([type, bytes]) => text(type, bytes)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[
        null,
        true,
        false,
        new Date(0),
        new Date(1),
        new Timestamp(0n),
        new Timestamp(1n),
        new MinKey(),
        new MaxKey(),
      ].map(fieldOf),
      fieldOf(Buffer.from('a')),
      { type: 0x05, value: Buffer.from('\x05\0\0\0\x02\x01\0\0\0a', 'latin1') },
      { type: 0x05, value: Buffer.from('\x01\0\0\0\x80a', 'latin1') },
      { type: 0x07, value: Buffer.alloc(12) },
    ),
  },
);

/** Only inside of others: an `_id` is none of these. */
const INNER = [undefined, /a/, /a/i].map(fieldOf);

const { value } = fc.letrec<{ value: Raw; within: Raw; code: Raw }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    { weight: 1, arbitrary: nested(tie('within')) },
    { weight: 1, arbitrary: tie('code') },
  ),
  within: fc.oneof(
    { maxDepth: 3 },
    tie('value'),
    fc.constantFrom(...INNER),
    fc
      .array(fc.tuple(fc.constantFrom('0', '1', 'x'), tie('value')), { maxLength: 2 })
      .map((parts) => container(0x04, parts)),
  ),
  code: fc.tuple(fc.constantFrom('f', 'g'), leaf).map(([body, inner]) => {
    const scope = document(element(inner.type, 'x', inner.value));
    const code = text(0x0d, Buffer.from(body)).value;
    const length = Buffer.alloc(4);
    length.writeInt32LE(4 + code.length + scope.length);
    return { type: 0x0f, value: Buffer.concat([length, code, scope]) };
  }),
}));

function nested(inner: fc.Arbitrary<Raw>): fc.Arbitrary<Raw> {
  return fc
    .array(fc.tuple(fc.constantFrom('', 'x', 'y'), inner), { maxLength: 2 })
    .map((parts) => container(0x03, parts));
}

function container(type: number, parts: readonly (readonly [string, Raw])[]): Raw {
  return { type, value: document(...parts.map(([name, part]) => element(part.type, name, part.value))) };
}

/** Inserts them one after the other. @returns whether the server took each for one that was there already */
async function duplicates(
  values: readonly Raw[],
  options: Document,
): Promise<{ key: DocumentKey; isDuplicate: boolean }[]> {
  const db = set.client.db('keys');
  await db.dropDatabase();
  await db.createCollection('c', options);
  const documents = values.map((one) => document(element(one.type, '_id', one.value)));
  const reply = await db.command({
    insert: 'c',
    documents: documentSequence('documents', documents),
    ordered: false,
  });
  const refused = new Map<number, number>();
  for (const { index, code } of reply.writeErrors ?? []) refused.set(index, code);
  return documents
    .map((one, index) => ({ key: keyOf(one), code: refused.get(index) }))
    .filter(({ code }) => code === undefined || code === DUPLICATE_KEY)
    .map(({ key, code }) => ({ key, isDuplicate: code === DUPLICATE_KEY }));
}

async function check(values: readonly Raw[], options: Document): Promise<number> {
  const hasCollation = options.collation !== undefined;
  const seen = new Set<string>();
  const inserted = await duplicates(values, options);
  for (const { key, isDuplicate } of inserted) {
    if (!isCertain({ hasCollation }, key)) continue;
    assert.equal(seen.has(key.identity), isDuplicate, `${key.value.type} ${key.value.bytes.toString('hex')}`);
    seen.add(key.identity);
  }
  return inserted.length;
}

test('every number is equal to the numbers that a server takes as equal, and to no other', async () => {
  const values = NUMBERS.map(fieldOf);
  assert.equal(await check(values, {}), values.length);
  await check([...values].reverse(), {});
});

for (const options of [{}, { collation: { locale: 'en', strength: 1, numericOrdering: true } }]) {
  test(`a server takes keys as equal exactly when their identities are, unless that is said to be uncertain: ${JSON.stringify(options)}`, async () => {
    const property = fc.asyncProperty(
      fc.array(value, { minLength: 200, maxLength: 400, size: 'max' }),
      async (values) => {
        assert.ok((await check(values, options)) > 50);
      },
    );
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
  });
}
