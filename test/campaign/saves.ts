import { BSONSymbol, Decimal128, type Document, Double, Int32, Long, type MongoClient } from 'mongodb';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { WriteStep } from './writer-loop.ts';

const NUMBERS = 20;
const TEXTS = 10;
const MOST_SAVES = 4;

interface Saved {
  _id: unknown;
  v: number;
}

/** Forms of one `_id` that are equal for the server but have different bytes. Each driver saves its own form. */
const NUMBER_FORMS: readonly ((n: number) => unknown)[] = [
  (n) => new Int32(n),
  (n) => new Long(n),
  (n) => new Double(n),
  (n) => Decimal128.fromString(`${n}`),
  (n) => Decimal128.fromString(`${n}.00`),
];
const TEXT_FORMS: readonly ((text: string) => unknown)[] = [(text) => text, (text) => new BSONSymbol(text)];
const ZEROS = [new Int32(0), new Double(-0), Decimal128.fromString('-0'), Decimal128.fromString('0E+3')];
const NOT_NUMBERS = [new Double(Number.NaN), Decimal128.fromString('NaN')];

/** Saves the same documents like clients in several languages, each with its own type of `_id`. */
export function saves(client: MongoClient, random: SeededRandom): WriteStep {
  const documents = client.db('saved').collection<Saved>('documents');
  return async () => {
    const forms = drawForms(random);
    const filter = { _id: random.pick(forms) };
    if (random.next() < 0.1) return await documents.deleteOne(filter as Document);
    // A single command, so that the engine gets several forms of a key in one batch.
    const operations = Array.from({ length: 1 + random.integer(MOST_SAVES) }, () => ({
      replaceOne: { filter, replacement: { _id: random.pick(forms), v: random.integer(2 ** 31) }, upsert: true },
    }));
    return await documents.bulkWrite(operations as never);
  };
}

/** Returns all forms of one random key. */
function drawForms(random: SeededRandom): unknown[] {
  const kind = random.weighted({ number: 10, text: 6, nested: 3, zero: 1, notANumber: 1 });
  if (kind === 'zero') return ZEROS;
  if (kind === 'notANumber') return NOT_NUMBERS;
  if (kind === 'text') {
    const text = `id${random.integer(TEXTS)}`;
    return TEXT_FORMS.map((form) => form(text));
  }
  const n = 1 + random.integer(NUMBERS);
  const numbers = NUMBER_FORMS.map((form) => form(n));
  return kind === 'number' ? numbers : numbers.map((value) => ({ n: value, tag: 'nested' }));
}
