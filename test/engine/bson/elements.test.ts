import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Binary, BSON, Code, Decimal128, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'mongodb';
import { BSON_TYPE, elementsOf } from '../../../src/engine/bson/elements.ts';
import { needsExactWrite } from '../../../src/engine/bson/exact-write.ts';
import { document, element } from '../../../src/engine/bson/raw-document.ts';

const DB_POINTER = 0x0c;

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(
      null,
      /a/i,
      new MinKey(),
      new MaxKey(),
      new ObjectId(),
      new Long(7),
      new Timestamp(9n),
      new Code('f'),
      Decimal128.fromString('1'),
    ),
    fc.uint8Array().map((bytes) => new Binary(bytes)),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('any'), { maxKeys: 3 }),
  ),
})).any;

test('walking finds every element, and putting its bytes together gives the document again', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,8}$/), value), (object) => {
      const bytes = Buffer.from(BSON.serialize(object));
      const elements = [...elementsOf(bytes)];
      const parts = elements.map(({ type, name, valueStart, valueEnd }) =>
        element(type, name, bytes.subarray(valueStart, valueEnd)),
      );
      assert.deepEqual(document(...parts), bytes);
    }),
  );
});

test('a length that leads a reader back to where it was is rejected', () => {
  for (const [type, length] of [
    [BSON_TYPE.string, -7],
    [BSON_TYPE.document, -3],
    [BSON_TYPE.binary, -8],
    [DB_POINTER, -19],
  ] as const) {
    const bytes = document(element(type, 'a', Buffer.alloc(20)));
    bytes.writeInt32LE(length, 7);
    const first = () => elementsOf(bytes).next();
    assert.throws(first, RangeError);
    assert.throws(() => needsExactWrite(bytes), RangeError);
  }
});

test('bytes that are not a document are rejected, and never read beyond their end', () => {
  const bytes = Buffer.from(BSON.serialize({ a: 'text', b: { c: 1 }, d: new Binary(Buffer.from('abc')) }));
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = byte;
      try {
        for (const { valueEnd } of elementsOf(damaged)) assert.ok(valueEnd <= damaged.length);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }),
  );
});

// id: exact-write-needed
test('only top-level empty timestamps and $-prefixed names ask for an exact write', () => {
  const asks = (object: object) => needsExactWrite(Buffer.from(BSON.serialize(object)));
  assert.equal(asks({ _id: 1, t: new Timestamp(0n) }), true);
  assert.equal(asks({ _id: 1, a: 'x', $set: 1 }), true);
  assert.equal(
    asks({ _id: 1, t: new Timestamp(1n), n: { t: new Timestamp(0n), $x: 1 }, z: new Long(0), a$: 1 }),
    false,
  );
});
