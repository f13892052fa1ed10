import {
  Binary,
  type ClientSession,
  type Collection,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  type MongoClient,
  ObjectId,
} from 'mongodb';
import { idBytesOf } from './raw-document.ts';
import type { SeededRandom } from './seeded-random.ts';

export type OperationKind = 'insert' | 'set' | 'increment' | 'unset' | 'push' | 'replace' | 'delete' | 'transaction';

/** Relative frequency of each kind. */
export type Mix = Readonly<Record<OperationKind, number>>;

export const defaultMix: Mix = {
  insert: 30,
  set: 16,
  increment: 12,
  unset: 5,
  push: 14,
  replace: 10,
  delete: 8,
  transaction: 5,
};

/** A write that changed nothing, because its document was missing. The server accepts such a write even under a write block. */
export class WithoutEffect extends Error {}

/** One write, or one transaction, that can be tried on any cluster until one accepts it. */
export interface Operation {
  readonly kind: OperationKind;
  /** The written documents: namespace and `_id` bytes. */
  readonly touches: readonly (readonly [namespace: string, id: string])[];
  /** @throws WithoutEffect */
  run(client: MongoClient, session: ClientSession): Promise<void>;
  /** Updates the ledger's list of documents. Must be called once the operation was accepted. */
  accepted(): void;
}

/** An `_id` of the ledger writer. */
export type DocumentId = string | Int32 | Long | ObjectId | { region: string; n: Int32 };

interface Keyed {
  _id: DocumentId;
  [field: string]: unknown;
}

interface KnownDocument {
  readonly id: DocumentId;
  /** Whether the ledger writer wrote it. Then it may be replaced: no unique index of the data set depends on its fields. */
  readonly own: boolean;
}

/** The documents of one namespace that the ledger knows. */
export class LedgerNamespace {
  readonly name: string;
  readonly #known: KnownDocument[] = [];

  constructor(name: string, existingIds: readonly DocumentId[]) {
    this.name = name;
    for (const id of existingIds) this.#known.push({ id, own: false });
  }

  add(id: DocumentId): void {
    this.#known.push({ id, own: true });
  }

  /** Removes and returns a document, so that no other operation uses it meanwhile; `undefined` when none fits. */
  take(random: SeededRandom, ownOnly: boolean): KnownDocument | undefined {
    const index = random.integer(this.#known.length);
    const taken = this.#known[index];
    const last = this.#known.at(-1);
    if (!taken || !last || (ownOnly && !taken.own)) return undefined;
    this.#known[index] = last;
    this.#known.pop();
    return taken;
  }

  putBack(document: KnownDocument): void {
    this.#known.push(document);
  }

  on(client: MongoClient): Collection<Keyed> {
    const dot = this.name.indexOf('.');
    return client
      .db(this.name.slice(0, dot))
      .collection<Keyed>(this.name.slice(dot + 1), { writeConcern: { w: 'majority' } });
  }
}

/** Returns the next operation of a seeded sequence. */
export function nextOperation(random: SeededRandom, namespaces: readonly LedgerNamespace[], mix: Mix): Operation {
  const kind = random.weighted(mix);
  const namespace = random.pick(namespaces);
  if (kind === 'insert') return insert(random, namespace);
  if (kind === 'transaction') return transaction(random, namespaces);
  const document = namespace.take(random, kind === 'replace');
  if (!document) return insert(random, namespace);
  const base = { kind, touches: [[namespace.name, idBytesOf(document.id)]] as const };
  const filter = { _id: document.id };
  const keep = () => namespace.putBack(document);
  if (kind === 'delete') {
    return {
      ...base,
      run: async (client, session) =>
        effective((await namespace.on(client).deleteOne(filter, { session })).deletedCount),
      accepted: () => undefined,
    };
  }
  if (kind === 'replace') {
    const replacement = body(random);
    return {
      ...base,
      run: async (client, session) =>
        effective((await namespace.on(client).replaceOne(filter, replacement, { session })).modifiedCount),
      accepted: keep,
    };
  }
  const update = updateOf(random, kind);
  return {
    ...base,
    run: async (client, session) =>
      effective((await namespace.on(client).updateOne(filter, update, { session })).modifiedCount),
    accepted: keep,
  };
}

function effective(changed: number): void {
  if (changed === 0) throw new WithoutEffect();
}

function insert(random: SeededRandom, namespace: LedgerNamespace): Operation {
  const document = { _id: newDocumentId(random), ...body(random) };
  return {
    kind: 'insert',
    touches: [[namespace.name, idBytesOf(document._id)]],
    run: async (client, session) => void (await namespace.on(client).insertOne(document, { session })),
    accepted: () => namespace.add(document._id),
  };
}

/** Returns a transaction that inserts one document and updates or deletes others, in any of the namespaces. */
function transaction(random: SeededRandom, namespaces: readonly LedgerNamespace[]): Operation {
  const parts = [insert(random, random.pick(namespaces))];
  for (const kind of ['set', 'increment', 'push', 'unset', 'delete'] as const) {
    if (random.next() < 0.6) parts.push(nextOperation(random, namespaces, only(kind)));
  }
  return {
    kind: 'transaction',
    touches: parts.flatMap(({ touches }) => touches),
    run: async (client, session) => {
      session.startTransaction({ writeConcern: { w: 'majority' } });
      try {
        for (const part of parts) await part.run(client, session);
        await session.commitTransaction();
      } finally {
        if (session.inTransaction()) await session.abortTransaction();
      }
    },
    accepted: () => {
      for (const part of parts) part.accepted();
    },
  };
}

function only(kind: OperationKind): Mix {
  const none = { insert: 0, set: 0, increment: 0, unset: 0, push: 0, replace: 0, delete: 0, transaction: 0 };
  return { ...none, [kind]: 1 };
}

function updateOf(random: SeededRandom, kind: 'set' | 'increment' | 'unset' | 'push'): Document {
  switch (kind) {
    case 'set':
      return { $set: { ledgerNote: text(random), 'ledger.at': new Date(random.integer(2 ** 31) * 1000) } };
    case 'increment':
      return { $inc: { ledgerCount: new Int32(1 + random.integer(9)) } };
    case 'unset':
      return { $unset: { ledgerNote: '' }, $inc: { ledgerUnsets: new Int32(1) } };
    case 'push':
      return { $push: { ledgerEvents: { $each: [{ n: random.integer(1_000), s: text(random) }], $slice: -20 } } };
  }
}

/** Returns fields of many types for a document. */
function body(random: SeededRandom): Document {
  return {
    note: text(random),
    count: new Int32(random.integer(1_000)),
    large: Long.fromBits(random.integer(2 ** 31), random.integer(2 ** 20)),
    ratio: new Double(random.next()),
    price: Decimal128.fromString(`${random.integer(100_000)}.${random.integer(100)}`),
    at: new Date(random.integer(2 ** 31) * 1000),
    tags: Array.from({ length: random.integer(4) }, () => text(random)),
    nested: random.next() < 0.5 ? { b: 1, a: { deep: text(random) } } : { a: 1, b: null },
    blob: new Binary(random.bytes(16), Binary.SUBTYPE_UUID),
  };
}

function newDocumentId(random: SeededRandom): DocumentId {
  switch (random.integer(5)) {
    case 0:
      return new Int32(random.integer(2 ** 31));
    case 1:
      return Long.fromBits(random.integer(2 ** 31), 1 + random.integer(2 ** 20));
    case 2:
      return `ledger-${text(random)}`;
    case 3:
      return { region: text(random), n: new Int32(random.integer(2 ** 31)) };
    default:
      return new ObjectId(random.bytes(12));
  }
}

function text(random: SeededRandom): string {
  return random.integer(2 ** 31).toString(36);
}
