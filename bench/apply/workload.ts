import { BSON } from 'mongodb';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { DocumentSource } from '../documents.ts';

/** Changes of a round: 40 % inserts, 50 % changed documents, 10 % deletes. */
const INSERTED = 0.4;
const CHANGED = 0.5;
/** The share of `$set` among the changed documents of mixed changes; the others are replaced. */
const SET = 0.8;
/** Writers that send the changes. */
export const WRITERS = 4;

/** How documents are changed. */
export type Style = 'mixed' | 'replaces' | 'updates';

/** The changes of one round, as statements of commands. Each key occurs once, so the result does not depend on the order. */
export interface Changes {
  readonly inserts: readonly Buffer[];
  /** Replacements of whole documents by key. */
  readonly replaces: readonly Buffer[];
  /** Updates of single fields by key, as applications send them. Their change events contain no document. */
  readonly updates: readonly Buffer[];
  /** Four updates of single fields for each replacement. */
  readonly mixed: readonly Buffer[];
  readonly deletes: readonly Buffer[];
}

/** Makes documents with numbers as `_id`, and changes to them for each round. */
export class Workload {
  readonly #source = new DocumentSource(3);
  readonly #random = new SeededRandom(4);
  #ids: number[];

  constructor(count: number) {
    this.#ids = Array.from({ length: count }, (_, n) => n);
  }

  /** The documents before the first round. */
  documents(): Buffer[] {
    return this.#ids.map((id) => this.#source.ordinary(id, id));
  }

  nextRound(changes: number): Changes {
    const next = (this.#ids.at(-1) ?? 0) + 1;
    const added = Array.from({ length: Math.round(changes * INSERTED) }, (_, n) => next + n);
    const shuffled = this.#random.sample(this.#ids, this.#ids.length);
    const changed = shuffled.slice(0, Math.round(changes * CHANGED));
    const deleted = new Set(shuffled.slice(changed.length, changes - added.length));
    this.#ids = [...this.#ids.filter((id) => !deleted.has(id)), ...added];
    const replaces = changed.map((id) =>
      statement({ q: { _id: id }, u: BSON.deserialize(this.#source.ordinary(id, id)) }),
    );
    const updates = changed.map((id) =>
      statement({ q: { _id: id }, u: { $set: { price: this.#random.next(), n: -id } } }),
    );
    const set = Math.round(changed.length * SET);
    return {
      inserts: added.map((id) => this.#source.ordinary(id, id)),
      replaces,
      updates,
      mixed: [...updates.slice(0, set), ...replaces.slice(set)],
      deletes: [...deleted].map((id) => statement({ q: { _id: id }, limit: 1 })),
    };
  }
}

function statement(value: object): Buffer {
  return Buffer.from(BSON.serialize(value));
}
