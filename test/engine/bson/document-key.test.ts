import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BSON, BSONSymbol, Decimal128, Double, Int32, Long } from 'mongodb';
import { describeKey, keyBytes, keyFromBytes, keyOf, laneHash } from '../../../src/engine/bson/document-key.ts';

const keyFor = (_id: unknown) => keyOf(Buffer.from(BSON.serialize({ _id })));

test('numbers that a server takes as equal share a lane, whatever their types and however deep they are', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.boolean(), (number, embedded) => {
      const forms = [
        new Int32(number),
        new Double(number),
        Long.fromNumber(number),
        Decimal128.fromString(`${number}.00`),
      ];
      const hashes = forms.map((form) => laneHash(keyFor(embedded ? { x: [form] } : form)));
      assert.equal(new Set(hashes).size, 1);
    }),
  );
  for (const [a, b] of [
    [new Double(0), new Double(-0)],
    [new Double(0.5), Decimal128.fromString('0.50')],
    [Long.fromString('9007199254740993'), Decimal128.fromString('9007199254740993')],
    [new Double(Number.NaN), Decimal128.fromString('NaN')],
  ]) {
    assert.equal(laneHash(keyFor(a)), laneHash(keyFor(b)));
  }
});

test('keys that print alike are not taken for one', () => {
  const alike = [new Int32(1), '1', { 1: 1 }, { 1: '1' }, [1], ['1']].map((id) => keyFor(id).identity);
  assert.equal(new Set(alike).size, alike.length);
});

test('a key survives being stored', () => {
  for (const id of ['x', { a: 1 }, new Long(5), null]) {
    const key = keyFor(id);
    assert.equal(keyFromBytes(keyBytes(key)).identity, key.identity);
    assert.equal(describeKey(key), describeKey(keyFromBytes(keyBytes(key))));
  }
});

test('long keys have short identities, which differ like the keys', () => {
  const long = (n: number, as: (text: string) => unknown = String) =>
    keyFor(as(String(n).padStart(20_000, '0'))).identity;
  assert.equal(new Set(Array.from({ length: 100 }, (_, n) => long(n))).size, 100);
  assert.ok(long(1).length < 100);
  assert.equal(
    long(1),
    long(1, (text) => new BSONSymbol(text)),
  );
});

test('many keys spread over the lanes', () => {
  const lanes = new Array(8).fill(0);
  for (let n = 0; n < 8_000; n += 1) lanes[laneHash(keyFor(n)) % 8] += 1;
  assert.ok(Math.min(...lanes) > 500, `uneven: ${lanes}`);
});
