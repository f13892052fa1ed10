import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { DocumentsDigest, OrderDigest } from '../../../src/engine/compare/digest.ts';

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const hex = (sum: bigint) => (sum % (1n << 256n)).toString(16).padStart(64, '0');

/** The digest by its definition, with other means than the code under test. */
const byDefinition = (documents: readonly Uint8Array[]) =>
  hex(documents.reduce((sum, document) => sum + numberOf(hashOf(document)), 0n));

const digestOf = (documents: readonly Uint8Array[]) => {
  const digest = new DocumentsDigest();
  for (const document of documents) digest.add(Buffer.from(document));
  return digest;
};

const documents = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 50 });

test('a digest of documents is the sum of their hashes modulo 2^256, with their count and bytes', () => {
  assert.deepEqual(new DocumentsDigest().value, { count: 0, bytes: 0, digest: '0'.repeat(64) });
  fc.assert(
    fc.property(documents, (all) => {
      const bytes = all.reduce((sum, { length }) => sum + length, 0);
      assert.deepEqual(digestOf(all).value, { count: all.length, bytes, digest: byDefinition(all) });
    }),
  );
});

test('a digest depends neither on order nor on partition, and survives being recorded', () => {
  const parts = fc.tuple(documents, documents, documents);
  fc.assert(
    fc.property(parts, ([a, b, c]) => {
      const whole = digestOf([...a, ...b, ...c]).value;
      const combined = digestOf(c);
      combined.combine(digestOf(a));
      combined.combine(DocumentsDigest.from(JSON.parse(JSON.stringify(digestOf(b).value))));
      assert.deepEqual(combined.value, whole);
      const resumed = DocumentsDigest.from(digestOf([...a, ...b]).value);
      for (const document of c) resumed.add(Buffer.from(document));
      assert.deepEqual(resumed.value, whole);
    }),
  );
});

test('a digest of millions of documents loses no bit', () => {
  const document = Buffer.from('0c0000001069000100000000', 'hex');
  const count = 2 ** 21 + 12_345;
  const digest = new DocumentsDigest();
  for (let added = 0; added < count; added += 1) digest.add(document);
  const expected = hex(BigInt(count) * numberOf(hashOf(document)));
  assert.deepEqual(digest.value, { count, bytes: count * document.length, digest: expected });
});

test('two sets with the same count and bytes have another digest when one byte differs, or one is twice in it', () => {
  const [a, b, c] = [Buffer.from('a'), Buffer.from('b'), Buffer.from('c')];
  assert.notEqual(digestOf([a, b]).value.digest, digestOf([a, c]).value.digest);
  assert.notEqual(digestOf([a, a, b]).value.digest, digestOf([a, b, b]).value.digest);
});

test('the digest of an order is a chain of hashes, and differs when two documents change places', () => {
  const orderOf = (all: readonly Uint8Array[]) => {
    const order = new OrderDigest();
    for (const document of all) order.add(Buffer.from(document));
    return order.digest;
  };
  fc.assert(
    fc.property(documents, (all) => {
      let chain: Uint8Array = new Uint8Array(32);
      for (const document of all) chain = hashOf(Buffer.concat([chain, hashOf(document)]));
      assert.equal(orderOf(all), Buffer.from(chain).toString('hex'));
    }),
  );
  const [a, b] = [Buffer.from('a'), Buffer.from('b')];
  assert.notEqual(orderOf([a, b]), orderOf([b, a]));
  assert.equal(orderOf([]), '0'.repeat(64));
});
