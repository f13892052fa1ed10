import { BSON, type MongoClient } from 'mongodb';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { DocumentSource } from '../documents.ts';
import { sendBatches } from '../raw-commands.ts';
import { ID, Template } from '../template.ts';

const TEMPLATES = 500;

/**
 * Changes without end, that cost the measuring process little: 40 % inserts, 40 % `$set`, 10 % replaces, 10 % deletes. Their bytes are ready-made,
 * but for the ids.
 */
export class EndlessChanges {
  readonly #random = new SeededRandom(5);
  readonly #documents: readonly Template[];
  readonly #replaces: readonly Template[];
  readonly #update = new Template({ q: { _id: ID }, u: { $set: { price: 1.5, n: ID } } });
  readonly #delete = new Template({ q: { _id: ID }, limit: 1 });
  #first = 0;
  #next: number;
  #made = 0;

  /** @param documents  how many there are at the beginning, with numbers from 0 as ids */
  constructor(documents: number) {
    this.#next = documents;
    const source = new DocumentSource(6);
    const all = Array.from({ length: TEMPLATES }, (_, n) => BSON.deserialize(source.ordinary(n, ID)));
    this.#documents = all.map((one) => new Template(one));
    this.#replaces = all.map((u) => new Template({ q: { _id: ID }, u }));
  }

  /** Sends so many changes to a collection. Deletes take the oldest documents. */
  async send(client: MongoClient, collection: string, changes: number): Promise<void> {
    const tenth = Math.max(1, Math.round(changes / 10));
    const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make);
    const deletes = times(tenth, () => this.#delete.with(this.#first++));
    const inserts = times(4 * tenth, () => this.#any(this.#documents).with(this.#next++));
    const updates = [
      ...times(4 * tenth, () => this.#update.with(this.#existing())),
      ...times(tenth, () => this.#any(this.#replaces).with(this.#existing())),
    ];
    await Promise.all([
      sendBatches(client, collection, 'insert', [inserts], 1),
      sendBatches(client, collection, 'update', [updates], 1),
      sendBatches(client, collection, 'delete', [deletes], 1),
    ]);
  }

  #existing(): number {
    return this.#first + this.#random.integer(this.#next - this.#first);
  }

  #any(templates: readonly Template[]): Template {
    this.#made += 1;
    return templates[this.#made % templates.length] as Template;
  }
}
