import { Binary, BSON, Code, Decimal128, Long, MaxKey, ObjectId, Timestamp } from 'mongodb';
import { keyOf, laneHash } from '../../src/engine/bson/document-key.ts';
import { elementsOf } from '../../src/engine/bson/elements.ts';
import { needsExactWrite } from '../../src/engine/bson/exact-write.ts';
import { readChangeEvent } from '../../src/engine/capture/change-event.ts';
import { readIndexSpec } from '../../src/engine/catalog/index-spec.ts';
import { UserError } from '../../src/platform/index.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { damageBytes } from './damage.ts';
import type { FuzzTarget } from './target.ts';

const VALUES = [
  'text',
  1.5,
  new Long(7),
  null,
  true,
  /a/i,
  new Date(0),
  new ObjectId('5'.repeat(24)),
  new Timestamp(9n),
  new Code('f', { a: 1 }),
  Decimal128.fromString('1'),
  new Binary(Buffer.from('abc')),
  new MaxKey(),
  [1, { a: 'b' }],
  { a: { b: [] } },
];
/** The errors with which readers refuse bytes. */
const REFUSALS = [RangeError, UserError, BSON.BSONError];
/** A reader that finds more elements than this is in an endless loop. */
const MOST_ELEMENTS_A_BYTE = 1;

/** Gives damaged replies of servers to the engine's readers of bytes. They must refuse invalid BSON, and never read beyond its end. */
export const bsonReplies: FuzzTarget = {
  name: 'BSON replies',
  open: async () => ({ attempt, [Symbol.asyncDispose]: async () => undefined }),
};

function attempt(random: SeededRandom): void {
  const damaged = damageBytes(random, Buffer.from(BSON.serialize(random.pick([changeEvent, indexSpec])(random))));
  const readers = [
    countElements,
    keyHash,
    needsExactWrite,
    (bytes: Buffer) => readChangeEvent(bytes, true),
    readIndexSpec,
  ];
  for (const read of readers) {
    try {
      read(damaged);
    } catch (error) {
      if (REFUSALS.some((refusal) => error instanceof refusal)) continue;
      throw new Error(`${read.name} of ${damaged.toString('hex')}: ${error}`, { cause: error });
    }
  }
}

function countElements(bytes: Buffer): void {
  let count = 0;
  for (const { start, valueStart, valueEnd } of elementsOf(bytes)) {
    count += 1;
    const inside = start < valueStart && valueStart <= valueEnd && valueEnd <= bytes.length;
    if (!inside || count > bytes.length * MOST_ELEMENTS_A_BYTE) throw new Error(`element ${count} is not inside`);
  }
}

function keyHash(bytes: Buffer): number {
  return laneHash(keyOf(bytes));
}

function changeEvent(random: SeededRandom): BSON.Document {
  return {
    _id: { _data: `82${'0'.repeat(16)}` },
    operationType: random.pick(['insert', 'update', 'delete', 'rename']),
    clusterTime: new Timestamp(5n),
    ns: { db: 'shop', coll: 'items' },
    to: { db: 'shop', coll: 'other' },
    collectionUUID: new Binary(Buffer.alloc(16), 4),
    documentKey: { _id: random.pick(VALUES) },
    fullDocument: { _id: random.pick(VALUES), value: random.pick(VALUES) },
  };
}

function indexSpec(random: SeededRandom): BSON.Document {
  const key = { [random.pick(['a', 'a.b', '$**'])]: random.pick<unknown>([1, -1, 'text', '2dsphere', true, null]) };
  return {
    v: random.pick([1, 2]),
    key,
    name: 'i',
    unique: random.pick(VALUES),
    expireAfterSeconds: random.pick(VALUES),
  };
}
