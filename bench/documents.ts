import { Binary, BSON, ObjectId } from 'mongodb';
import { SeededRandom } from '../test/support/seeded-random.ts';

const TEXT_BYTES = 1024 * 1024;
/** The bytes of a document of one text beside the text. */
const TEXT_OVERHEAD_BYTES = BSON.calculateObjectSize({ _id: new ObjectId(), n: 0, text: '' });

/** Makes documents of about 700 bytes in 25 fields. The same seed makes the same documents. The text compresses badly. */
export class DocumentSource {
  readonly #random: SeededRandom;
  readonly #text: string;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#text = this.#random.bytes(TEXT_BYTES).toString('base64');
  }

  /** Returns an id as random as a UUID. */
  randomId(): Binary {
    return new Binary(this.#random.bytes(16), Binary.SUBTYPE_UUID);
  }

  /** Returns a document as BSON. @param id  the `_id`; default: an ObjectId */
  ordinary(n: number, id: number | Binary | undefined = undefined): Buffer {
    const random = this.#random;
    const fields = Object.fromEntries(Array.from({ length: 16 }, (_, field) => [`field${field}`, this.#piece(20)]));
    return Buffer.from(
      BSON.serialize({
        _id: id ?? new ObjectId(),
        n,
        category: `c${random.integer(500)}`,
        at: new Date(1_700_000_000_000 + random.integer(10 ** 9)),
        price: random.next() * 1_000,
        address: { street: this.#piece(16), number: random.integer(200) },
        tags: [this.#piece(6), this.#piece(6)],
        ...fields,
      }),
    );
  }

  /** Returns a document of about 30 bytes. */
  tiny(n: number): Buffer {
    return Buffer.from(BSON.serialize({ _id: new ObjectId(), n }));
  }

  /** Returns a document of one text. @param bytes  its size as BSON */
  text(n: number, bytes: number): Buffer {
    return Buffer.from(BSON.serialize({ _id: new ObjectId(), n, text: this.#piece(bytes - TEXT_OVERHEAD_BYTES) }));
  }

  #piece(length: number): string {
    const start = this.#random.integer(this.#text.length - length);
    return this.#text.slice(start, start + length);
  }
}
