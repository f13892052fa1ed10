import { type Binary, type Collection, type Document, MongoServerError, UUID } from 'mongodb';
import { failpoint, UserError } from '../../platform/index.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Fence } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { deleteAll } from '../mongodb/raw-write.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { type Permission, takenBy } from './destination-owner.ts';
import { OtherDirection } from './other-direction.ts';
import { Ownership } from './ownership.ts';
import { allRecords } from './read-records.ts';
import {
  CHECKPOINT_SCHEMA,
  type CollectionRecord,
  MIGRATION_RECORDS,
  type MigrationRecord,
  type PartitionRecord,
  refuseOtherSchema,
  type SpoolRecord,
  type SuspectRecord,
  type ViewRecord,
} from './records.ts';
import { assertNotRunning } from './running-engine.ts';
import { readSpooled, spooled } from './spooled-keys.ts';
import { addRecords, putRecords, removeRecord, updateRecords } from './write-records.ts';

const DUPLICATE_KEY = 11_000;

/** The clusters and the selection of a migration, and the engine and user that write it now. */
export type Identity = Pick<
  MigrationRecord,
  'sourceId' | 'destinationId' | 'selection' | 'request' | 'reversals' | 'writer' | 'engine'
>;

/** Fields of the migration's record that a running engine changes. */
export type MigrationFields = Partial<Omit<MigrationRecord, '_id' | 'schema' | 'term' | 'sessions'>>;

/**
 * Everything on the destination that the successor of a killed engine needs to resume. Each write is acknowledged by the
 * majority's journals, and goes through the fence: a late write of an engine that lost the migration must not harm its
 * successor's records.
 */
export class CheckpointStore {
  readonly migrationId: string;
  readonly #fence: Fence;
  readonly #ownership: Ownership;
  readonly #migrations: Collection<MigrationRecord>;
  /** Serialises the writers of one collection's record. */
  readonly #turns = new Map<string, Slots>();
  #term = 0;
  #earlierWriter: string | undefined;
  /** Whether the migration began with its destination, and retired no other migration for that. */
  #beganAlone = false;

  constructor(fence: Fence) {
    this.migrationId = fence.migrationId;
    this.#fence = fence;
    this.#ownership = new Ownership(fence.client);
    this.#migrations = fence.client.db(INTERNAL_DATABASE).collection('migrations');
  }

  /**
   * Reads the record that an earlier run left, without taking the migration over. Reads the primary's current state: this
   * engine has written nothing yet whose time a read could name, and the write that takes the migration only matches this
   * very record.
   * @returns undefined for a new migration
   * @throws UserError CHECKPOINT_OF_OTHER_VERSION
   */
  async peek(): Promise<MigrationRecord | undefined> {
    const found = await this.#migrations.findOne({ _id: this.migrationId }, { readConcern: { level: 'local' } });
    if (found) refuseOtherSchema(found);
    return found ?? undefined;
  }

  /**
   * Takes the migration in a new term. From here on, the server refuses the writes of engines of earlier terms.
   * @param takeOver  whether to take it from an engine that still writes
   * @param permitted  returns with what permission a new migration takes its destination at once; undefined to leave that to `takeDestination`
   * @throws UserError as `takeDestination`, ENGINE_RUNNING unless `takeOver`, OTHER_SOURCE when it belongs to other clusters,
   * SELECTION_CHANGED, DESTINATION_TAKEN when another migration has retired it, TAKEN_OVER when another engine took it at
   * the same moment
   * @throws OtherDirection when the migration has been reversed more often than `identity` says
   */
  async take(
    identity: Identity,
    retrier: Retrier,
    takeOver: boolean,
    permitted: () => Permission | undefined = () => undefined,
  ): Promise<MigrationRecord> {
    try {
      const record = (await this.#enterTerm(identity, takeOver)) ?? (await this.#begin(identity, retrier, permitted));
      this.#term = record.term;
      await failpoint('engine.migration.entered');
      await this.#fence.raise(record.term, record.sessions, retrier);
      return record;
    } catch (error) {
      throw this.#fence.signal.aborted ? await this.#whyLost() : error;
    }
  }

  /** Returns why this engine lost the migration: another engine has taken it, or another migration its destination. */
  async #whyLost(): Promise<unknown> {
    const found = await this.peek().catch(() => undefined);
    return found?.retiredBy === undefined ? this.#fence.signal.reason : takenBy(this.migrationId, found.retiredBy);
  }

  /** @returns undefined for a new migration */
  async #enterTerm(identity: Identity, takeOver: boolean): Promise<MigrationRecord | undefined> {
    const found = await this.peek();
    if (found === undefined) return undefined;
    // rule: refuse-retired-engine
    if (found.retiredBy !== undefined) throw takenBy(this.migrationId, found.retiredBy);
    if (found.sourceId !== identity.sourceId || found.destinationId !== identity.destinationId) {
      throw new UserError('OTHER_SOURCE', [this.migrationId]);
    }
    if (found.selection !== identity.selection) throw new UserError('SELECTION_CHANGED', [this.migrationId]);
    const reversals = found.reversals ?? 0;
    const wanted = identity.reversals ?? 0;
    if (reversals > wanted) throw new OtherDirection(reversals);
    if (!takeOver) assertNotRunning(found, await this.#destinationNowMs());
    if (reversals < wanted) return await this.#beginDirection(identity, found);
    if (found.writer !== identity.writer) this.#earlierWriter = found.writer;
    // Returns the record of this moment: the earlier engine may have committed the cutover since the read.
    const taken = await this.#migrations.findOneAndUpdate(
      { _id: this.migrationId, term: found.term },
      {
        $set: {
          term: found.term + 1,
          writer: identity.writer,
          engine: identity.engine,
          ...(identity.request !== undefined && { request: identity.request }),
        },
        $currentDate: { savedAt: true, ...(found.cutOff && { cutOffTakenAt: true }) },
      },
      { returnDocument: 'after' },
    );
    return taken ?? this.#fence.lose();
  }

  /** Replaces the record of the direction before the last one, which has ended. */
  async #beginDirection(identity: Identity, { term, sessions, state }: MigrationRecord): Promise<MigrationRecord> {
    if (state !== 'COMMITTED') throw new Error(`The direction before the last one is ${state}`);
    const next = { ...this.#fresh(identity), term: term + 1, sessions };
    const { _id, ...fields } = next;
    const replaced = await this.#migrations.replaceOne({ _id, term }, fields);
    return replaced.matchedCount === 1 ? next : this.#fence.lose();
  }

  #fresh(identity: Identity): MigrationRecord {
    return {
      _id: this.migrationId,
      schema: CHECKPOINT_SCHEMA,
      term: 1,
      sessions: new UUID(),
      ...identity,
      state: 'CREATED',
      phases: [],
      counts: {},
    };
  }

  async #begin(
    identity: Identity,
    retrier: Retrier,
    permitted: () => Permission | undefined,
  ): Promise<MigrationRecord> {
    const fresh = this.#fresh(identity);
    try {
      this.#beganAlone = await retrier.run('the destination', () => this.#ownership.begin(fresh, permitted));
      return fresh;
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
      // The record is of an earlier attempt whose answer was lost, or of another engine.
      if ((await this.#migrations.countDocuments({ _id: this.migrationId, sessions: fresh.sessions })) === 1)
        return fresh;
      return this.#fence.lose();
    }
  }

  /**
   * Takes the destination for this migration, and retires the migrations that had it. Durable when it returns, so it must
   * come before any change there.
   * @throws UserError TAKEN_OVER, and as `decide`
   */
  async takeDestination(permission: Permission, retrier: Retrier): Promise<void> {
    const claim = { ...permission, migrationId: this.migrationId };
    const claimed = () => retrier.expect('the destination', this.#ownership.claim(claim, this.#term));
    if (!this.#beganAlone && !(await retrier.run('the destination', claimed))) this.#fence.lose();
    await failpoint('engine.destination.taken');
    if (!this.#beganAlone)
      await retrier.run('the destination', () => this.#ownership.shutOut(this.migrationId, retrier));
  }

  /** The user as which an earlier engine wrote, if it was another one. The fence doesn't shut out that engine. */
  get earlierWriter(): string | undefined {
    return this.#earlierWriter;
  }

  /** Writes fields of the migration's record. @throws UserError TAKEN_OVER when another engine has taken it */
  async save(fields: MigrationFields): Promise<void> {
    await this.#update({ $set: fields, $currentDate: { savedAt: true } });
  }

  /**
   * Returns whether the cutover has not passed its point of no return, and no write that this engine has sent can make it
   * do so: the server carries out a write through the fence after all earlier ones.
   * @throws UserError TAKEN_OVER
   */
  async staysUncommitted(): Promise<boolean> {
    // rule: no-opening-after-commit
    const q = { _id: this.migrationId, term: this.#term, 'cutover.committed': false };
    if ((await updateRecords(this.#fence, 'migrations', [{ q, u: { $inc: { marks: 1 } } }])) === 1) return true;
    await this.#fence.confirm();
    return false;
  }

  /** Records that no engine runs the migration any more. @throws UserError TAKEN_OVER */
  async leave(): Promise<void> {
    await this.#update({ $unset: { engine: 1 } });
  }

  async #destinationNowMs(): Promise<number> {
    const { localTime } = await this.#fence.client.db('admin').command({ hello: 1 });
    return (localTime as Date).getTime();
  }

  /** Removes a recorded failure when another run resumes. @param keepCutover  whether the attempt to cut over stays on record */
  async clearError(keepCutover: boolean): Promise<void> {
    await this.#update({ $unset: { error: 1, ...(keepCutover ? {} : { cutover: 1 }) } });
  }

  async #update(u: Document): Promise<void> {
    // rule: term-in-record-writes
    const updates = [{ q: { _id: this.migrationId, term: this.#term }, u }];
    if ((await updateRecords(this.#fence, 'migrations', updates)) === 0) this.#fence.lose();
  }

  async collections(): Promise<CollectionRecord[]> {
    return await allRecords<CollectionRecord>(this.#fence, 'collections', { '_id.m': this.migrationId });
  }

  /** Returns the collections in a database of the destination that other migrations have on record. Leaves out retired ones. */
  async collectionsOfOthers(to: string): Promise<{ readonly name: string; readonly uuid: UUID | null }[]> {
    const others = { '_id.m': { $nin: [this.migrationId, ...(await this.#retired())] }, destinationDatabase: to };
    const records = await allRecords<CollectionRecord>(this.#fence, 'collections', others);
    return records.map(({ destinationName, destinationUuid }) => ({ name: destinationName, uuid: destinationUuid }));
  }

  /**
   * Writes a collection's record, unless it was removed meanwhile. Several writers replace it as a whole, so they write one
   * after the other: otherwise an older record could be written last.
   */
  async saveCollection(record: CollectionRecord): Promise<void> {
    const { _id } = record;
    const id = _id.u.toHexString(false);
    const turns = this.#turns.get(id) ?? new Slots(1);
    this.#turns.set(id, turns);
    // rule: one-writer-per-record
    await turns.run(() => updateRecords(this.#fence, 'collections', [{ q: { _id }, u: record }]));
  }

  /** Writes records of collections that have no other writer yet. */
  async saveCollections(records: readonly CollectionRecord[]): Promise<void> {
    await putRecords(this.#fence, 'collections', records);
  }

  /** Removes all records of a collection that was dropped. */
  async removeCollection(uuid: UUID): Promise<void> {
    await this.removePartitions(uuid);
    await this.clearSpool(uuid);
    await this.#removeAll('displaced', { '_id.m': this.migrationId, '_id.u': uuid });
    await removeRecord(this.#fence, 'suspects', { m: this.migrationId, u: uuid });
    await removeRecord(this.#fence, 'collections', { m: this.migrationId, u: uuid });
  }

  /** Returns the views that the migration made on the destination, or was about to make. */
  async views(): Promise<ViewRecord[]> {
    return await allRecords<ViewRecord>(this.#fence, 'views', { '_id.m': this.migrationId });
  }

  /** Replaces the records of views. */
  async saveViews(records: readonly ViewRecord[]): Promise<void> {
    await putRecords(this.#fence, 'views', records);
  }

  /** Returns the views in a database of the destination that other migrations have on record. Leaves out retired ones. */
  async viewsOfOthers(to: string): Promise<Set<string>> {
    const others = { '_id.m': { $nin: [this.migrationId, ...(await this.#retired())] }, to };
    return new Set((await allRecords<ViewRecord>(this.#fence, 'views', others)).map(({ _id }) => _id.n));
  }

  /** Removes views of these names from other migrations' records: the destination doesn't have them. */
  async takeViewNames(to: string, names: readonly string[]): Promise<void> {
    const others = { '_id.m': { $ne: this.migrationId }, '_id.n': { $in: [...names] }, to };
    // rule: view-name-has-one-owner
    if (names.length > 0) await this.#removeAll('views', others);
  }

  async removeView(database: string, name: string): Promise<void> {
    await removeRecord(this.#fence, 'views', { m: this.migrationId, d: database, n: name });
  }

  async partitions(uuid: UUID): Promise<PartitionRecord[]> {
    const own = { '_id.m': this.migrationId, '_id.u': uuid };
    return await allRecords<PartitionRecord>(this.#fence, 'partitions', own, { sort: { _id: 1 } });
  }

  /** Returns the progress of the copies of all collections. */
  async copied(): Promise<Pick<PartitionRecord, '_id' | 'documents' | 'bytes' | 'done'>[]> {
    const projection = { documents: 1, bytes: 1, done: 1 };
    return await allRecords<PartitionRecord>(this.#fence, 'partitions', { '_id.m': this.migrationId }, { projection });
  }

  /** Writes the plan of a collection's copy. It takes effect once the collection's record says `copying`. */
  async planPartitions(records: readonly PartitionRecord[]): Promise<void> {
    await putRecords(this.#fence, 'partitions', records);
  }

  async savePartition(id: PartitionRecord['_id'], fields: Partial<Omit<PartitionRecord, '_id'>>): Promise<void> {
    await updateRecords(this.#fence, 'partitions', [{ q: { _id: id }, u: { $set: fields } }]);
  }

  async removePartitions(uuid: UUID): Promise<void> {
    await this.#removeAll('partitions', { '_id.m': this.migrationId, '_id.u': uuid });
  }

  async suspects(): Promise<SuspectRecord[]> {
    return await allRecords<SuspectRecord>(this.#fence, 'suspects', { '_id.m': this.migrationId });
  }

  /** Marks collections as suspect. This is a separate record, because several writers replace the collection's record. */
  async saveSuspects(uuids: readonly UUID[], mark: string): Promise<void> {
    const records = uuids.map((u): SuspectRecord => ({ _id: { m: this.migrationId, u }, mark, comparedTo: null }));
    await putRecords(this.#fence, 'suspects', records);
  }

  /** Records how far a suspect collection is compared. Does nothing if it has been marked again since. */
  async saveCompared(uuid: UUID, mark: string, comparedTo: Binary): Promise<void> {
    const q = { _id: { m: this.migrationId, u: uuid }, mark };
    await updateRecords(this.#fence, 'suspects', [{ q, u: { $set: { comparedTo } } }]);
  }

  /** Removes the mark of a suspect collection. Does nothing if it has been marked again since. */
  async clearSuspect(uuid: UUID, mark: string): Promise<void> {
    await removeRecord(this.#fence, 'suspects', { m: this.migrationId, u: uuid }, { mark });
  }

  async clearSpool(uuid: UUID): Promise<void> {
    await this.#removeAll('spool', spooled(this.migrationId, uuid));
  }

  /** Adds keys, and keeps those that are already there. Durable when it returns. */
  async addToSpool(records: readonly SpoolRecord[]): Promise<void> {
    await addRecords(this.#fence, 'spool', records);
  }

  /** Returns the next spooled keys of a collection, in the order to apply them; fewer than `limit` when keys are long. */
  async readSpool(uuid: UUID, after: SpoolRecord['_id'] | undefined, limit: number): Promise<SpoolRecord[]> {
    return await readSpooled(this.#fence, spooled(this.migrationId, uuid, after), limit);
  }

  /** Removes the records of an unfinished preparation, those of collections when all that belong to one are gone. */
  async forgetCollections(): Promise<void> {
    const ofThisOne = { '_id.m': this.migrationId };
    const others = MIGRATION_RECORDS.filter((name) => name !== 'collections');
    const found = this.collections();
    await Promise.all([found, ...others.map((name) => this.#removeAll(name, ofThisOne))]);
    if ((await found).length > 0) await this.#removeAll('collections', ofThisOne);
  }

  /** Removes all spooled keys. */
  async forgetSpool(): Promise<void> {
    await this.#removeAll('spool', { '_id.m': this.migrationId });
  }

  /** Returns the ids of the migrations that another one has retired. */
  async #retired(): Promise<string[]> {
    const retired = { retiredBy: { $exists: true } };
    const found = await allRecords<MigrationRecord>(this.#fence, 'migrations', retired, { projection: { _id: 1 } });
    return found.map(({ _id }) => _id);
  }

  async #removeAll(name: string, filter: Document): Promise<void> {
    const [failed] = await deleteAll(this.#fence, { database: INTERNAL_DATABASE, name }, filter);
    if (failed !== undefined) throw new MongoServerError({ message: failed.errmsg, ...failed });
  }
}
