import { type ClientSession, type Document, MongoServerError } from 'mongodb';
import { messageOf } from '../../platform/index.ts';
import { type RefusedDocument, refusedByUniqueIndex, UniqueConflict } from '../apply/unique-conflict.ts';
import { enforcedIndexesOf, holdersOf, indexesInTheWay } from '../apply/unique-holders.ts';
import { type DocumentKey, describeKey } from '../bson/document-key.ts';
import { documentSequence } from '../bson/document-sequence.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { needsExactWrite } from '../bson/exact-write.ts';
import { document, element, int32 } from '../bson/raw-document.ts';
import { hashOf } from '../compare/read-keys.ts';
import { classify } from '../mongodb/failure-policy.ts';
import { STORED_FUNCTIONS } from '../mongodb/namespaces.ts';
import { exactReplaceStatement, pastValidation, replaceStatement } from '../mongodb/raw-write.ts';
import { REPLY_OPTIONS } from '../mongodb/reply-options.ts';
import { Ownership } from '../records/ownership.ts';
import type { ComparedPair } from './compared-pair.ts';
import { type ComparisonContext, readOf } from './comparison-context.ts';
import type { PairKey } from './pending-keys.ts';
import { refuseBesideOnDestination, refuseRepairs } from './refuse-repairs.ts';

/** A key that differs again after this many writes stays a difference: another client writes it. */
const MOST_REPAIRS = 3;
/** A migration may begin while repairs run. Asking for each key would cost as much as the repair. */
const ALLOWED_FOR_MS = 1_000;
const IMMUTABLE_FIELD = 66;
const MAJORITY = { w: 'majority', j: true };

/** A transaction has at most 16 MiB in 60 s, and the documents that have each other's values are few. */
const MOST_TOGETHER = 100;

/** A key to repair, with the documents that both sides have. */
export interface Repair {
  readonly entry: PairKey;
  /** The key had this verdict when its documents were read. A change takes it back. */
  readonly verdict: PairKey['verdict'];
  readonly wanted: Buffer | undefined;
  readonly there: Buffer | undefined;
}

/** Writes the source's state of differing keys to the destination, one by one, or together those that have each other's unique values. Never changes the catalog. */
export class Repairer {
  readonly #context: ComparisonContext;
  #allowedAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: ComparisonContext) {
    this.#context = context;
  }

  mayRepair({ collection: pair, repairs }: PairKey): boolean {
    // A written document would take another place in the order of a capped collection.
    return !pair.isCapped && repairs < MOST_REPAIRS;
  }

  /**
   * Confirms that no migration needs the documents that a repair would overwrite. The answer holds for a second.
   * @throws UserError REPAIR_DURING_MIGRATION, REPAIR_UNCHECKED
   */
  async confirmAllowed(): Promise<void> {
    const { clock, retrier } = this.#context;
    const askedAtMs = clock.elapsed();
    // rule: recheck-repair-permission
    if (askedAtMs - this.#allowedAtMs < ALLOWED_FOR_MS) return;
    await retrier.run('both clusters', () => refuseRepairs(this.#context));
    this.#allowedAtMs = askedAtMs;
  }

  /**
   * Gives the destination the source's documents of keys of one pair, or deletes the destination's, in one transaction.
   * The keys have to be read again.
   * @returns keys whose documents on the destination have unique values of the others. Nothing is written then
   */
  async repair(repairs: readonly Repair[]): Promise<readonly DocumentKey[]> {
    const [{ entry } = { entry: undefined }] = repairs;
    if (entry === undefined) return [];
    const { collection: pair } = entry;
    try {
      await readOf(this.#context, pair, this.#context.destination, () => this.#write(pair, repairs));
      for (const { entry: one, wanted } of repairs) one.endRepair({ hash: wanted && hashOf(wanted) });
    } catch (error) {
      const known = new Set(repairs.map(({ entry: { key: one } }) => one.identity));
      const holders = error instanceof UniqueConflict ? await this.#holdersOf(pair, error.refused) : [];
      const inTheWay = holders.filter(({ identity }) => !known.has(identity));
      if (inTheWay.length > 0 && known.size + inTheWay.length <= MOST_TOGETHER) return inTheWay;
      const isRefused = error instanceof UniqueConflict || error instanceof MongoServerError;
      if (!isRefused || classify(error) !== 'fatal') throw error;
      this.giveUp(entry, messageOf(error));
    }
    return [];
  }

  /** Leaves a key as it is, for another try. */
  giveUp(entry: PairKey, reason: string): void {
    entry.endRepair(undefined);
    const { collection: pair, key } = entry;
    const shown = { namespace: pair.destinationNamespace, _id: describeKey(key), reason };
    this.#context.logger.warn(
      { event: 'comparison.repair_refused', ...shown },
      'The destination refused a repaired document',
    );
  }

  async #write(pair: ComparedPair, repairs: readonly Repair[]): Promise<void> {
    const write = (deletes: (one: Repair) => boolean) =>
      this.#together(pair, async (session) => {
        for (const one of repairs) if (deletes(one)) await this.#delete(pair, one.entry.key, session);
        for (const one of repairs) if (one.wanted) await this.#replace(pair, one.entry.key, one.wanted, session);
      });
    try {
      // Secondaries may change a document that a pipeline replaces (docs/reference/mongodb-behaviour.md#fact-8-8).
      await write(({ wanted, there }) => repairs.length > 1 || !wanted || (needsExactWrite(wanted) && !!there));
    } catch (error) {
      if ((error as { code?: unknown }).code !== IMMUTABLE_FIELD) throw error;
      // The same number with another type is another `_id`.
      await write(() => true);
    }
  }

  /** Returns the keys of the destination's documents with the unique values of a refused one. */
  async #holdersOf(pair: ComparedPair, [refused]: readonly RefusedDocument[]): Promise<readonly DocumentKey[]> {
    if (refused === undefined) return [];
    const { client, features } = this.#context.destination;
    const { database, name, uuid } = pair.destination;
    const place = { database, name, uuid: features.pinsReads ? uuid : undefined };
    return await readOf(this.#context, pair, this.#context.destination, async () => {
      const indexes = indexesInTheWay(await enforcedIndexesOf(client, place), refused);
      if (indexes.length === 0) return [];
      const server = { client, readConcern: { level: 'local' } };
      return (await holdersOf(server, place, refused, indexes)).map(({ key }) => key);
    });
  }

  /** Sends commands in one transaction with a look for migrations, which may have begun since the last confirmation. */
  async #together(pair: ComparedPair, write: (session: ClientSession | undefined) => Promise<void>): Promise<void> {
    const { destination } = this.#context;
    const ownership = new Ownership(destination.client);
    // No server writes to it in a transaction (50791).
    const isAlone = pair.destination.name === STORED_FUNCTIONS;
    const inTransaction = isAlone ? async () => undefined : write;
    destination.note(await ownership.writeBeside(refuseBesideOnDestination, inTransaction));
    if (isAlone) await write(undefined);
  }

  async #delete(pair: ComparedPair, { value }: DocumentKey, session: ClientSession | undefined): Promise<void> {
    const query = document(element(value.type, '_id', value.bytes));
    const statement = document(element(BSON_TYPE.document, 'q', query), element(BSON_TYPE.int32, 'limit', int32(1)));
    await this.#send(pair, 'delete', 'deletes', statement, {}, session);
  }

  async #replace(pair: ComparedPair, key: DocumentKey, document: Buffer, session: ClientSession | undefined) {
    const statement = needsExactWrite(document)
      ? exactReplaceStatement(key, document)
      : replaceStatement(key, document);
    try {
      await this.#send(pair, 'update', 'updates', statement, pastValidation(pair.destination), session);
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error;
      const { code, message: errmsg, keyPattern, keyValue, collation } = error;
      const failed = { index: 0, code: Number(code), errmsg, keyPattern, keyValue, collation };
      const refused = refusedByUniqueIndex({ key, document }, failed);
      throw refused === undefined ? error : new UniqueConflict([refused]);
    }
  }

  async #send(
    pair: ComparedPair,
    command: string,
    field: string,
    statement: Buffer,
    options: Document,
    session: ClientSession | undefined,
  ) {
    const { client, features } = this.#context.destination;
    const { database, name, uuid } = pair.destination;
    const sent = {
      [command]: name,
      [field]: documentSequence(field, [statement]),
      ...options,
      ...(features.pinsReads ? { collectionUUID: uuid } : {}),
      ...(session === undefined ? { writeConcern: MAJORITY } : {}),
    };
    const reply = await client.db(database).command(sent, { ...REPLY_OPTIONS, session });
    this.#context.destination.note(reply.operationTime);
    const [failure] = (reply.writeErrors ?? []) as Document[];
    if (failure !== undefined) throw new MongoServerError({ ...failure, message: failure.errmsg });
  }
}
