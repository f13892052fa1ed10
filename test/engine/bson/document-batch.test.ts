import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DocumentBatch } from '../../../src/engine/bson/document-batch.ts';
import { exactWrites, needsExactWrite } from '../../../src/engine/bson/exact-write.ts';
import { array, document, element, int32, rawDocument } from '../../../src/engine/bson/raw-document.ts';
import { messages } from '../../../src/engine/mongodb/raw-write.ts';

const SMALLEST = document();

/** Documents of many sizes, the smallest among them. */
function someDocuments(count: number): Buffer[] {
  return Array.from({ length: count }, (_, n) =>
    n % 7 === 3 ? SMALLEST : document(element(0x10, 'n', int32(n)), element(0x05, 'b', binary((n * 13) % 50))),
  );
}

function binary(length: number): Buffer {
  return Buffer.concat([int32(length), Buffer.from([0]), Buffer.alloc(length, length)]);
}

function batchOf(documents: readonly Buffer[]): DocumentBatch {
  return DocumentBatch.fromArray(array(documents.map(rawDocument)));
}

describe('a batch of documents', () => {
  test('has the documents of a reply, however many digits their places in it have', () => {
    for (const count of [0, 1, 2, 9, 10, 11, 99, 100, 101, 1_000, 1_023, 1_024, 1_025, 10_001]) {
      const documents = someDocuments(count);
      const batch = batchOf(documents);
      assert.equal(batch.length, count);
      assert.deepEqual([...batch], documents, `${count} documents`);
      assert.deepEqual(batch.bytes, Buffer.concat(documents));
      assert.deepEqual(batch.at(-1), documents.at(-1));
      assert.deepEqual(batch.at(0), documents[0]);
      assert.equal(batch.at(count), undefined);
      assert.equal(batch.largestBytes, Math.max(0, ...documents.map(({ length }) => length)));
    }
  });

  test('has documents of 16 MB beside the smallest', () => {
    const large = document(element(0x05, 'b', binary(16 * 1024 * 1024)));
    const documents = [SMALLEST, large, SMALLEST];
    assert.deepEqual([...batchOf(documents)], documents);
  });

  test('is refused when the bytes are not an array of whole documents', () => {
    const documents = someDocuments(12).map(rawDocument);
    const good = array(documents);
    const shorter = documents.map((_, count) => array(documents.slice(0, count)).length);
    for (let at = 0; at < good.length; at += 1) {
      const cut = Buffer.from(good.subarray(0, at));
      assert.throws(() => DocumentBatch.fromArray(cut), RangeError, `cut at ${at}`);
      if (at < 4 || shorter.includes(at)) continue;
      cut.writeInt32LE(at, 0);
      cut[at - 1] = 0;
      assert.throws(() => DocumentBatch.fromArray(Buffer.from(cut)), RangeError, `cut at ${at}, with that length`);
    }
    const longer = Buffer.from(good);
    longer.writeInt32LE(longer.readInt32LE(7) + 1, 7);
    assert.throws(() => DocumentBatch.fromArray(longer), RangeError);
    assert.throws(() => DocumentBatch.fromArray(document(element(0x10, '0', int32(1)))), RangeError);
  });

  test('is cut without a copy', () => {
    const documents = someDocuments(25);
    const batch = DocumentBatch.of(documents);
    for (const [start, end] of [
      [0, 25],
      [0, 1],
      [3, 4],
      [7, 20],
      [24, 25],
      [5, 5],
    ] as const) {
      const cut = batch.slice(start, end);
      assert.deepEqual([...cut], documents.slice(start, end));
      assert.deepEqual(cut.bytes, Buffer.concat(documents.slice(start, end)));
      assert.equal(cut.bytes.buffer, batch.bytes.buffer);
    }
  });

  test('equals only a batch with the same documents', () => {
    const documents = someDocuments(5);
    const batch = batchOf(documents);
    assert.ok(batch.equals(DocumentBatch.of(documents)));
    assert.ok(!batch.equals(DocumentBatch.of(documents.toReversed())));
    assert.ok(!batch.equals(DocumentBatch.of(documents.slice(1))));
    // The same bytes, cut elsewhere.
    const [a, b] = [Buffer.from('abcdef'), Buffer.from('abcd')];
    assert.ok(!DocumentBatch.of([a, b]).equals(DocumentBatch.of([Buffer.from('abcdefab'), Buffer.from('cd')])));
  });

  test('keeps its bytes when the reply or an earlier copy is gone', () => {
    const documents = someDocuments(10);
    const reply = array(documents.map(rawDocument));
    const [first, second] = [
      DocumentBatch.fromArray(reply).copy(),
      DocumentBatch.fromArray(array(documents.map(rawDocument))).copy(),
    ];
    reply.fill(0xff);
    first.free();
    first.free();
    assert.equal(first.bytes.length, 0);
    assert.deepEqual([...second], documents);
  });

  test('names the documents that a plain write would change', () => {
    const exact = [document(element(0x11, 't', Buffer.alloc(8))), document(element(0x10, '$a', int32(1)))];
    const plain = [
      document(element(0x11, 't', Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]))),
      document(element(0x11, 't', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))),
      document(element(0x03, 'a', document(element(0x11, 't', Buffer.alloc(8))))),
      document(element(0x10, 'a$', int32(1))),
      SMALLEST,
    ];
    const documents = [...plain, ...exact, ...plain, ...exact];
    assert.deepEqual(exactWrites(DocumentBatch.of(documents)), [5, 6, 12, 13]);
    assert.deepEqual(
      documents.map(needsExactWrite),
      documents.map((_, n) => [5, 6, 12, 13].includes(n)),
    );
  });
});

describe('messages', () => {
  test('have at most 100,000 statements', () => {
    const batch = DocumentBatch.of(Array.from({ length: 200_001 }, () => SMALLEST));
    const cut = [...messages(batch)];
    assert.deepEqual(
      cut.map(({ start, batch: { length } }) => [start, length]),
      [
        [0, 100_000],
        [100_000, 100_000],
        [200_000, 1],
      ],
    );
  });

  test('have at most 46,000,000 bytes, and all statements in their order', () => {
    const statement = (bytes: number) => document(element(0x05, 'b', binary(bytes - SMALLEST.length - 8)));
    // Three of these make 46,000,000 bytes; one byte more is one too many.
    const documents = [15_000_000, 15_000_000, 16_000_000, 15_000_001, 15_000_000, 16_000_000].map(statement);
    assert.deepEqual(documents.map(({ length }) => length).slice(0, 3), [15_000_000, 15_000_000, 16_000_000]);
    const cut = [...messages(DocumentBatch.of(documents))];
    assert.deepEqual(
      cut.map(({ start, batch }) => [start, batch.length]),
      [
        [0, 3],
        [3, 2],
        [5, 1],
      ],
    );
    assert.ok(Buffer.concat(cut.map(({ batch }) => batch.bytes)).equals(Buffer.concat(documents)));
  });

  test('are none without statements', () => {
    assert.deepEqual([...messages(DocumentBatch.EMPTY)], []);
  });
});
