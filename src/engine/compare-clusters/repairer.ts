import { type ClientSession, type Document, MongoServerError } from 'mongodb';
import { messageOf } from '../../platform/index.ts';
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
import { type ComparisonParts, readOf } from './comparison-parts.ts';
import type { PendingKey } from './pending-keys.ts';
import { refuseBesideOnDestination, refuseRepairs } from './refuse-repairs.ts';

/** A key that differs again after this many writes stays a difference: somebody else writes it. */
const MOST_REPAIRS = 3;
/** A migration may begin while repairs run. Asking for each key would cost as much as the repair. */
const ALLOWED_FOR_MS = 1_000;
const IMMUTABLE_FIELD = 66;
const MAJORITY = { w: 'majority', j: true };

/** Writes the source's state of differing keys to the destination, one by one. Never changes the catalog. */
export class Repairer {
  readonly #parts: ComparisonParts;
  #allowedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ComparisonParts) {
    this.#parts = parts;
  }

  mayRepair({ pair, repairs }: PendingKey): boolean {
    // A written document would take another place in the order of a capped collection.
    return !pair.isCapped && repairs < MOST_REPAIRS;
  }

  /**
   * Confirms that no migration needs what a repair would overwrite. The answer holds for a second.
   * @throws UserError REPAIR_DURING_MIGRATION, REPAIR_UNCHECKED
   */
  async confirmAllowed(): Promise<void> {
    const { clock, retrier } = this.#parts;
    const askedAtMs = clock.elapsed();
    // rule: recheck-repair-permission
    if (askedAtMs - this.#allowedAtMs < ALLOWED_FOR_MS) return;
    await retrier.run('both clusters', () => refuseRepairs(this.#parts));
    this.#allowedAtMs = askedAtMs;
  }

  /**
   * Gives the destination the source's document of a key, or deletes the destination's. The key has to be read again.
   * @param wanted  the source's document
   * @param there  the destination's document
   */
  async repair(entry: PendingKey, wanted: Buffer | undefined, there: Buffer | undefined): Promise<void> {
    const { pair, key } = entry;
    entry.repairs += 1;
    entry.differsSinceMs = undefined;
    entry.verdict = undefined;
    entry.level = 0;
    try {
      await readOf(this.#parts, pair, this.#parts.destination, () => this.#write(pair, key, wanted, there));
      entry.repairedTo = { hash: wanted && hashOf(wanted) };
    } catch (error) {
      if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') throw error;
      const shown = { namespace: pair.destinationNamespace, _id: describeKey(key), reason: messageOf(error) };
      this.#parts.logger.warn(
        { event: 'comparison.repair_refused', ...shown },
        'The destination refused a repaired document',
      );
    }
  }

  async #write(pair: ComparedPair, key: DocumentKey, wanted: Buffer | undefined, there: Buffer | undefined) {
    if (wanted === undefined) return await this.#together(pair, (session) => this.#delete(pair, key, session));
    const isExact = needsExactWrite(wanted);
    const statement = isExact ? exactReplaceStatement(key, wanted) : replaceStatement(key, wanted);
    const replace = (deletes: boolean) =>
      this.#together(pair, async (session) => {
        if (deletes) await this.#delete(pair, key, session);
        await this.#send(pair, 'update', 'updates', statement, pastValidation(pair.destination), session);
      });
    try {
      // Secondaries may change a document that a pipeline replaces (docs/reference/mongodb-behaviour.md#fact-8-8).
      await replace(isExact && there !== undefined);
    } catch (error) {
      if ((error as { code?: unknown }).code !== IMMUTABLE_FIELD) throw error;
      // The same number with another type is another `_id`.
      await replace(true);
    }
  }

  /** Sends commands in one transaction with a look for migrations, which may have begun since the last confirmation. */
  async #together(pair: ComparedPair, write: (session: ClientSession | undefined) => Promise<void>): Promise<void> {
    const { destination } = this.#parts;
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

  async #send(
    pair: ComparedPair,
    command: string,
    field: string,
    statement: Buffer,
    options: Document,
    session: ClientSession | undefined,
  ) {
    const { client, features } = this.#parts.destination;
    const { database, name, uuid } = pair.destination;
    const sent = {
      [command]: name,
      [field]: documentSequence(field, [statement]),
      ...options,
      ...(features.pinsReads ? { collectionUUID: uuid } : {}),
      ...(session === undefined ? { writeConcern: MAJORITY } : {}),
    };
    const reply = await client.db(database).command(sent, { ...REPLY_OPTIONS, session });
    this.#parts.destination.note(reply.operationTime);
    const [failure] = (reply.writeErrors ?? []) as Document[];
    if (failure !== undefined) throw new MongoServerError({ ...failure, message: failure.errmsg });
  }
}
