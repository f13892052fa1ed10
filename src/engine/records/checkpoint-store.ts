import {
  type Binary,
  type Collection,
  type Document,
  type Filter,
  MaxKey,
  MinKey,
  MongoServerError,
  UUID,
} from 'mongodb';
import { reach, UserError } from '../../platform/index.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Fence } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { deleteAll } from '../mongodb/raw-write.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { type Claim, takenBy } from './destination-owner.ts';
import { Ownership } from './ownership.ts';
import { allRecords, readRecords } from './read-records.ts';
import {
  CHECKPOINT_SCHEMA,
  type CollectionRecord,
  type MigrationRecord,
  type PartitionRecord,
  refuseOtherSchema,
  type SuspectRecord,
  type ViewRecord,
} from './records.ts';
import { assertNotRunning } from './running-engine.ts';
import { addRecords, putRecords, removeRecord, updateRecords } from './write-records.ts';

const READ_BYTES = 4 * 1024 * 1024;
const DUPLICATE_KEY = 11_000;

/** What a migration is known by, and who writes it now. */
export type Identity = Pick<MigrationRecord, 'sourceId' | 'destinationId' | 'selection' | 'writer' | 'engine'>;

/** The fields of the migration's record that a running engine may change. */
export type MigrationFields = Partial<Omit<MigrationRecord, '_id' | 'schema' | 'term' | 'sessions'>>;

/**
 * Everything that a killed engine needs to go on, on the destination cluster, written with majority and journal, and through the fence: what an
 * engine still sends that lost the migration must not harm the records of its successor.
 */
export class CheckpointStore {
  readonly migrationId: string;
  readonly #fence: Fence;
  readonly #ownership: Ownership;
  readonly #migrations: Collection<MigrationRecord>;
  /** Of those who write the record of the same collection. */
  readonly #turns = new Map<string, Slots>();
  #term = 0;
  #earlierWriter: string | undefined;

  constructor(fence: Fence) {
    this.migrationId = fence.migrationId;
    this.#fence = fence;
    this.#ownership = new Ownership(fence.client);
    this.#migrations = fence.client.db(INTERNAL_DATABASE).collection('migrations');
  }

  /**
   * What an earlier run left, without taking it over; undefined for a new migration. As the primary has it now: this engine has written nothing
   * yet whose time a read could name, and the taking is a write that holds for this very record only.
   * @throws UserError CHECKPOINT_OF_OTHER_VERSION
   */
  async peek(): Promise<MigrationRecord | undefined> {
    const found = await this.#migrations.findOne({ _id: this.migrationId }, { readConcern: { level: 'local' } });
    if (found) refuseOtherSchema(found);
    return found ?? undefined;
  }

  /**
   * Takes the migration in a new term: nothing that engines of earlier terms send is written from here on.
   * @param takeOver  whether it is taken from an engine that still writes
   * @throws UserError ENGINE_RUNNING unless `takeOver`, OTHER_SOURCE when it belongs to other clusters, SELECTION_CHANGED, DESTINATION_TAKEN when another migration has retired it,
   * TAKEN_OVER when another engine took it at the same moment
   */
  async take(identity: Identity, retrier: Retrier, takeOver: boolean): Promise<MigrationRecord> {
    const record = await this.#enterTerm(identity, retrier, takeOver);
    this.#term = record.term;
    await this.#fence.raise(record.term, record.sessions, retrier);
    return record;
  }

  async #enterTerm(identity: Identity, retrier: Retrier, takeOver: boolean): Promise<MigrationRecord> {
    const found = await this.peek();
    if (found === undefined) return await this.#begin(identity, retrier);
    if (found.retiredBy !== undefined) throw takenBy(this.migrationId, found.retiredBy);
    if (found.sourceId !== identity.sourceId || found.destinationId !== identity.destinationId) {
      throw new UserError('OTHER_SOURCE', [this.migrationId]);
    }
    if (found.selection !== identity.selection) throw new UserError('SELECTION_CHANGED', [this.migrationId]);
    if (!takeOver) assertNotRunning(found, await this.#destinationNowMs());
    if (found.writer !== identity.writer) this.#earlierWriter = found.writer;
    // What is on record now, not what was found: the earlier engine may have committed the cutover in between.
    const taken = await this.#migrations.findOneAndUpdate(
      { _id: this.migrationId, term: found.term },
      {
        $set: {
          term: found.term + 1,
          sessions: found.sessions ?? new UUID(),
          writer: identity.writer,
          engine: identity.engine,
        },
        $currentDate: { savedAt: true },
      },
      { returnDocument: 'after' },
    );
    return taken ?? this.#fence.lose();
  }

  async #begin(identity: Identity, retrier: Retrier): Promise<MigrationRecord> {
    const fresh: MigrationRecord = {
      _id: this.migrationId,
      schema: CHECKPOINT_SCHEMA,
      term: 1,
      sessions: new UUID(),
      ...identity,
      state: 'created',
      phases: [],
      counts: {},
    };
    try {
      await retrier.run('the destination', () => this.#ownership.begin(fresh));
      return fresh;
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
      // An earlier try whose answer was lost, or another engine.
      if ((await this.#migrations.countDocuments({ _id: this.migrationId, sessions: fresh.sessions })) === 1)
        return fresh;
      return this.#fence.lose();
    }
  }

  /**
   * Takes the destination for this migration, and retires those that had it, durably and before anything is changed there.
   * @throws UserError DESTINATION_TAKEN, DESTINATION_IN_USE, TAKEN_OVER
   */
  async takeDestination(permission: Omit<Claim, 'migrationId'>, retrier: Retrier): Promise<void> {
    const claim = { ...permission, migrationId: this.migrationId };
    const claimed = () => retrier.expect('the destination', this.#ownership.claim(claim, this.#term));
    if (!(await retrier.run('the destination', claimed))) this.#fence.lose();
    await reach('engine.destination.taken');
    await retrier.run('the destination', () => this.#ownership.shutOut(this.migrationId, retrier));
  }

  /** Another user as which an earlier engine wrote. The fence does not shut that one out. */
  get earlierWriter(): string | undefined {
    return this.#earlierWriter;
  }

  /** Writes fields of the migration's record. @throws UserError TAKEN_OVER when another engine has taken it */
  async save(fields: MigrationFields): Promise<void> {
    await this.#update({ $set: fields, $currentDate: { savedAt: true } });
  }

  /**
   * Whether the cutover has not passed its point of no return, and will not by anything that this engine has sent: a write that goes through
   * the fence is carried out after all of that. @throws UserError TAKEN_OVER
   */
  async staysUncommitted(): Promise<boolean> {
    const q = { _id: this.migrationId, term: this.#term, 'cutover.committed': false };
    if ((await updateRecords(this.#fence, 'migrations', [{ q, u: { $inc: { marks: 1 } } }])) === 1) return true;
    await this.#fence.confirm();
    return false;
  }

  /** Says that no engine runs the migration any more. @throws UserError TAKEN_OVER */
  async leave(): Promise<void> {
    await this.#update({ $unset: { engine: 1 } });
  }

  async #destinationNowMs(): Promise<number> {
    const { localTime } = await this.#fence.client.db('admin').command({ hello: 1 });
    return (localTime as Date).getTime();
  }

  /** Forgets a recorded failure when another run goes on. @param keepCutover  else the attempt is forgotten with it */
  async clearError(keepCutover: boolean): Promise<void> {
    await this.#update({ $unset: { error: 1, ...(keepCutover ? {} : { cutover: 1 }) } });
  }

  async #update(u: Document): Promise<void> {
    const updates = [{ q: { _id: this.migrationId, term: this.#term }, u }];
    if ((await updateRecords(this.#fence, 'migrations', updates)) === 0) this.#fence.lose();
  }

  async collections(): Promise<CollectionRecord[]> {
    return await allRecords<CollectionRecord>(this.#fence, 'collections', { '_id.m': this.migrationId });
  }

  /** Collections in a database of the destination that other migrations have on record, but for retired ones. */
  async collectionsOfOthers(to: string): Promise<{ readonly name: string; readonly uuid: UUID | null }[]> {
    const others = { '_id.m': { $nin: [this.migrationId, ...(await this.#retired())] }, destinationDatabase: to };
    const records = await allRecords<CollectionRecord>(this.#fence, 'collections', others);
    return records.map(({ destinationName, destinationUuid }) => ({ name: destinationName, uuid: destinationUuid }));
  }

  /**
   * Writes a collection's record, unless it was removed meanwhile. Several do, and whole: so one after the other, or what is no longer so would
   * come to stand last.
   */
  async saveCollection(record: CollectionRecord): Promise<void> {
    const { _id } = record;
    const id = _id.u.toHexString(false);
    const turns = this.#turns.get(id) ?? new Slots(1);
    this.#turns.set(id, turns);
    await turns.run(() => updateRecords(this.#fence, 'collections', [{ q: { _id }, u: record }]));
  }

  /** Writes records of collections that nobody else writes yet. */
  async saveCollections(records: readonly CollectionRecord[]): Promise<void> {
    await putRecords(this.#fence, 'collections', records);
  }

  /** Removes all that is known of a collection that was dropped. */
  async removeCollection(uuid: UUID): Promise<void> {
    await this.removePartitions(uuid);
    await this.clearSpool(uuid);
    await removeRecord(this.#fence, 'suspects', { m: this.migrationId, u: uuid });
    await removeRecord(this.#fence, 'collections', { m: this.migrationId, u: uuid });
  }

  /** Views that the migration made on the destination, or was about to make. */
  async views(): Promise<ViewRecord[]> {
    return await allRecords<ViewRecord>(this.#fence, 'views', { '_id.m': this.migrationId });
  }

  /** Writes records of views, whole. */
  async saveViews(records: readonly ViewRecord[]): Promise<void> {
    await putRecords(this.#fence, 'views', records);
  }

  /** Which views of a database of the destination are on record of other migrations, but for retired ones. */
  async viewsOfOthers(to: string): Promise<Set<string>> {
    const others = { '_id.m': { $nin: [this.migrationId, ...(await this.#retired())] }, ...viewsIn(to) };
    return new Set((await allRecords<ViewRecord>(this.#fence, 'views', others)).map(({ _id }) => _id.n));
  }

  /** Has other migrations forget views of these names, which the destination does not have. */
  async takeViewNames(to: string, names: readonly string[]): Promise<void> {
    const others = { '_id.m': { $ne: this.migrationId }, '_id.n': { $in: [...names] }, ...viewsIn(to) };
    if (names.length > 0) await this.#removeAll('views', others);
  }

  async removeView(database: string, name: string): Promise<void> {
    await removeRecord(this.#fence, 'views', { m: this.migrationId, d: database, n: name });
  }

  async partitions(uuid: UUID): Promise<PartitionRecord[]> {
    const own = { '_id.m': this.migrationId, '_id.u': uuid };
    return await allRecords<PartitionRecord>(this.#fence, 'partitions', own, { sort: { _id: 1 } });
  }

  /** How far the copies of all collections have come. */
  async copied(): Promise<Pick<PartitionRecord, '_id' | 'documents' | 'bytes' | 'done'>[]> {
    const projection = { documents: 1, bytes: 1, done: 1 };
    return await allRecords<PartitionRecord>(this.#fence, 'partitions', { '_id.m': this.migrationId }, { projection });
  }

  /** Puts a plan in place of an earlier one. It counts only once the collection's record says `copying`. */
  async planPartitions(uuid: UUID, records: readonly PartitionRecord[]): Promise<void> {
    await this.removePartitions(uuid);
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

  /** Marks collections as suspect, whatever was known of them. A record of its own: the collection's is written by several, whole. */
  async saveSuspects(uuids: readonly UUID[], mark: string): Promise<void> {
    const records = uuids.map((u): SuspectRecord => ({ _id: { m: this.migrationId, u }, mark, comparedTo: null }));
    await putRecords(this.#fence, 'suspects', records);
  }

  /** How far a suspect collection is compared. Does nothing when it has been marked anew since. */
  async saveCompared(uuid: UUID, mark: string, comparedTo: Binary): Promise<void> {
    const q = { _id: { m: this.migrationId, u: uuid }, mark };
    await updateRecords(this.#fence, 'suspects', [{ q, u: { $set: { comparedTo } } }]);
  }

  /** The collection is no longer suspect, unless it has been marked anew since. */
  async clearSuspect(uuid: UUID, mark: string): Promise<void> {
    await removeRecord(this.#fence, 'suspects', { m: this.migrationId, u: uuid }, { mark });
  }

  async clearSpool(uuid: UUID): Promise<void> {
    await this.#removeAll('spool', this.#spooled(uuid));
  }

  /** Adds keys; those that are there already stay. Durable when it returns. */
  async addToSpool(records: readonly SpoolRecord[]): Promise<void> {
    await addRecords(this.#fence, 'spool', records);
  }

  /** The next spooled keys of a collection, in the order in which they are to be applied; fewer than asked for when they are long. */
  async readSpool(uuid: UUID, after: SpoolRecord['_id'] | undefined, limit: number): Promise<SpoolRecord[]> {
    const records: SpoolRecord[] = [];
    let bytes = 0;
    const next = { sort: { _id: 1 }, limit };
    for await (const record of readRecords<SpoolRecord>(this.#fence, 'spool', this.#spooled(uuid, after), next)) {
      records.push(record);
      bytes += record._id.k.length();
      if (bytes > READ_BYTES) break;
    }
    return records;
  }

  /** A query for a collection's spooled keys, in a form that the index on `_id` serves. */
  #spooled(uuid: UUID, after?: SpoolRecord['_id']): Filter<SpoolRecord> {
    const m = this.migrationId;
    const lowest = { m, u: uuid, r: new MinKey() };
    // The bounds of the range are no keys, which the driver's types can't say.
    return { _id: { $gt: after ?? lowest, $lt: { m, u: uuid, r: new MaxKey() } } } as unknown as Filter<SpoolRecord>;
  }

  /** Removes what an unfinished preparation left behind. */
  async forgetCollections(): Promise<void> {
    for (const name of ['partitions', 'spool', 'suspects', 'views', 'collections'])
      await this.#removeAll(name, { '_id.m': this.migrationId });
  }

  /** Removes all spooled keys. */
  async forgetSpool(): Promise<void> {
    await this.#removeAll('spool', { '_id.m': this.migrationId });
  }

  /** Migrations whose records count no more. */
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

/** Records of views in a database of the destination. Older versions have the source's database on record only. */
function viewsIn(to: string): Filter<ViewRecord> {
  return { $or: [{ to }, { to: { $exists: false }, '_id.d': to }] };
}

/** A key of a collection still being copied that changed meanwhile: migration, collection, rank where the order counts, key bytes. */
export interface SpoolRecord {
  readonly _id: { readonly m: string; readonly u: UUID; readonly r: Binary; readonly k: Binary };
  /** Where the order counts: that the document was deleted, and whether it may be there again since. */
  readonly left?: 'deleted' | 'reinserted';
}
