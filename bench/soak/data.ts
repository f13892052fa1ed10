import { Binary, BSON, type CreateCollectionOptions, type Document, type IndexSpecification, ObjectId } from 'mongodb';
import { SeededRandom } from '../../test/support/seeded-random.ts';

const WORDS = 5_000;
const TEXT_CHARACTERS = 4_000_000;
const FIRST_SECOND = 1_700_000_000;
const SYLLABLES = ['ka', 'lo', 'mi', 'ner', 'sto', 'tra', 'ul', 'ven', 'ya', 'es', 'on', 'ri'];

/** One kind of data, in a collection of its name. */
export interface Kind {
  readonly name: string;
  /** Its part of all bytes. */
  readonly share: number;
  /** The mean size of its documents. */
  readonly bytes: number;
  readonly indexes?: readonly IndexSpecification[];
  /** Options for so many bytes. A kind with options can't delete by `_id`. */
  readonly options?: (bytes: number) => CreateCollectionOptions;
  documentOf(n: number, random: SeededRandom, text: Text): Document;
}

export const KINDS: readonly Kind[] = [
  {
    ...{ name: 'events', share: 0.45, bytes: 700, indexes: [{ user: 1, at: -1 }] },
    documentOf: (n, random, text) => ({
      _id: objectIdOf(n),
      at: dateOf(n / 1_000),
      kind: random.pick(['view', 'click', 'order', 'return', 'login']),
      user: random.integer(1_000_000),
      session: new Binary(random.bytes(16), Binary.SUBTYPE_UUID),
      path: `/${text.piece(random, 30).replaceAll(' ', '/')}`,
      device: { agent: text.piece(random, 60), width: 320 + 8 * random.integer(200), touch: random.next() < 0.6 },
      message: text.piece(random, 450),
    }),
  },
  {
    ...{ name: 'orders', share: 0.22, bytes: 2_000, indexes: [{ 'items.sku': 1 }, { customer: 1 }] },
    documentOf: (n, random, text) => ({
      _id: n,
      customer: random.integer(500_000),
      at: dateOf(n / 100),
      state: random.pick(['new', 'paid', 'sent', 'returned']),
      address: { street: text.piece(random, 24), city: text.piece(random, 12), zip: 10_000 + random.integer(90_000) },
      items: Array.from({ length: 6 + random.integer(9) }, () => ({
        sku: `S-${random.integer(50_000)}`,
        name: text.piece(random, 50),
        quantity: 1 + random.integer(5),
        price: random.integer(100_000) / 100,
      })),
      note: text.piece(random, 697),
    }),
  },
  {
    ...{ name: 'blobs', share: 0.2, bytes: 200_000 },
    documentOf: (n, random, text) => ({
      _id: `blob-${String(n).padStart(8, '0')}`,
      type: 'text/plain',
      body: Buffer.from(text.piece(random, 100_000 + random.integer(200_000))),
    }),
  },
  {
    ...{ name: 'random', share: 0.04, bytes: 200 },
    documentOf: (n, random, text) => {
      const id = new Binary(random.bytes(16), Binary.SUBTYPE_UUID);
      return { _id: id, n, label: text.piece(random, 150) };
    },
  },
  {
    ...{ name: 'series', share: 0.05, bytes: 97 },
    options: () => ({ timeseries: { timeField: 'at', metaField: 'sensor', granularity: 'seconds' } }),
    documentOf: (n, random) => {
      const sensor = { site: n % 20, id: n % 200 };
      const measured = { celsius: 20 + random.integer(100) / 10, volts: 230 + random.next() };
      return { _id: objectIdOf(n), at: dateOf(n / 10), sensor, ...measured };
    },
  },
  {
    ...{ name: 'log', share: 0.04, bytes: 300 },
    // It discards half of what is loaded.
    options: (bytes) => ({ capped: true, size: Math.max(4_096, Math.round(bytes / 2)) }),
    documentOf: (n, random, text) => ({
      _id: objectIdOf(n),
      at: dateOf(n),
      level: 'info',
      line: text.piece(random, 239),
    }),
  },
];

/** Returns the number of documents of a kind in so many gigabytes of all kinds. */
export function countOf({ share, bytes }: Kind, gigabytes: number): number {
  return Math.ceil((gigabytes * 1e9 * share) / bytes);
}

/** Text of words of which few are frequent, as in a language, so that it compresses like the text of real data. */
export class Text {
  readonly #text: string;

  constructor(seed: number) {
    const random = new SeededRandom(seed);
    const syllables = () => Array.from({ length: 1 + random.integer(4) }, () => random.pick(SYLLABLES));
    const words = Array.from({ length: WORDS }, () => syllables().join(''));
    const parts: string[] = [];
    for (let length = 0; length < TEXT_CHARACTERS; length += (parts.at(-1) ?? '').length + 1)
      parts.push(words[Math.floor(WORDS * random.next() ** 3)] ?? '');
    this.#text = parts.join(' ');
  }

  /** Returns so many characters of it. */
  piece(random: SeededRandom, length: number): string {
    const from = random.integer(this.#text.length - length);
    return this.#text.slice(from, from + length);
  }
}

/** Returns documents of a kind as BSON: the same for the same seed and numbers. */
export function documentsOf(kind: Kind, from: number, count: number, seed: number, text: Text): Buffer[] {
  const random = new SeededRandom(seed + KINDS.indexOf(kind) * 1_000_003 + from);
  return Array.from({ length: count }, (_, n) => Buffer.from(BSON.serialize(kind.documentOf(from + n, random, text))));
}

function dateOf(seconds: number): Date {
  return new Date((FIRST_SECOND + seconds) * 1_000);
}

/** Returns an ObjectId as a client would make it for the n-th document. */
function objectIdOf(n: number): ObjectId {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(FIRST_SECOND + Math.floor(n / 1_000), 0);
  bytes.writeUInt32BE(n, 8);
  return new ObjectId(bytes);
}
