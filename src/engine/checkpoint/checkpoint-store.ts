import {
  type Binary,
  type Collection,
  type Db,
  type Filter,
  MaxKey,
  MinKey,
  type MongoClient,
  type UUID,
} from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { INTERNAL_DATABASE } from '../catalog/namespaces.ts';
import { WriteConcernFailure } from '../cluster/failure-policy.ts';
import { isDuplicateId, type WriteError } from '../cluster/raw-write.ts';
import {
  CHECKPOINT_SCHEMA,
  type CollectionRecord,
  type MigrationRecord,
  type PartitionRecord,
  type ViewRecord,
} from './records.ts';

const READ_BYTES = 4 * 1024 * 1024;

/** Everything that a killed engine needs to go on, on the destination cluster, written with majority and journal. */
export class CheckpointStore {
  readonly migrationId: string;
  readonly #db: Db;
  readonly #migrations: Collection<MigrationRecord>;
  readonly #collections: Collection<CollectionRecord>;
  readonly #partitions: Collection<PartitionRecord>;
  readonly #views: Collection<ViewRecord>;
  readonly #spool: Collection<SpoolRecord>;
  #term = 0;

  constructor(destination: MongoClient, migrationId: string) {
    this.migrationId = migrationId;
    this.#db = destination.db(INTERNAL_DATABASE);
    this.#migrations = this.#db.collection('migrations');
    this.#collections = this.#db.collection('collections');
    this.#partitions = this.#db.collection('partitions');
    this.#views = this.#db.collection('views');
    this.#spool = this.#db.collection('spool');
  }

  /** What an earlier run left, without taking it over; undefined for a new migration. @throws UserError CHECKPOINT_OF_OTHER_VERSION */
  async peek(): Promise<MigrationRecord | undefined> {
    const found = await this.#migrations.findOne({ _id: this.migrationId });
    if (found && found.schema !== CHECKPOINT_SCHEMA) {
      throw new UserError('CHECKPOINT_OF_OTHER_VERSION', [this.migrationId, String(found.schema)]);
    }
    return found ?? undefined;
  }

  /**
   * Takes the migration in a new term: engines of earlier terms can write no checkpoint from here on.
   * @throws UserError OTHER_SOURCE when it belongs to other clusters, SELECTION_CHANGED, TAKEN_OVER when another engine took it at the same moment
   */
  async take(identity: Pick<MigrationRecord, 'sourceId' | 'destinationId' | 'selection'>): Promise<MigrationRecord> {
    const found = await this.peek();
    if (found === undefined) {
      const fresh: MigrationRecord = {
        _id: this.migrationId,
        schema: CHECKPOINT_SCHEMA,
        term: 1,
        ...identity,
        state: 'created',
        phases: [],
        counts: { read: 0, applied: 0, duringCopy: 0, restarts: 0 },
      };
      await this.#migrations.insertOne(fresh);
      this.#term = 1;
      return fresh;
    }
    if (found.sourceId !== identity.sourceId || found.destinationId !== identity.destinationId) {
      throw new UserError('OTHER_SOURCE', [this.migrationId]);
    }
    if (found.selection !== identity.selection) throw new UserError('SELECTION_CHANGED', [this.migrationId]);
    const term = found.term + 1;
    const taken = await this.#migrations.updateOne(
      { _id: this.migrationId, term: found.term },
      { $set: { term }, $currentDate: { savedAt: true } },
    );
    if (taken.matchedCount === 0) throw new UserError('TAKEN_OVER', [this.migrationId]);
    this.#term = term;
    return { ...found, term };
  }

  /** Writes fields of the migration's record. @throws UserError TAKEN_OVER when another engine has taken it */
  async save(fields: Partial<Omit<MigrationRecord, '_id' | 'schema' | 'term'>>): Promise<void> {
    const saved = await this.#migrations.updateOne(
      { _id: this.migrationId, term: this.#term },
      { $set: fields, $currentDate: { savedAt: true } },
    );
    if (saved.matchedCount === 0) throw new UserError('TAKEN_OVER', [this.migrationId]);
  }

  /** Forgets a recorded failure when a run begins anew. */
  async clearError(): Promise<void> {
    await this.#migrations.updateOne({ _id: this.migrationId, term: this.#term }, { $unset: { error: 1, cutover: 1 } });
  }

  async collections(): Promise<CollectionRecord[]> {
    return await this.#collections.find({ '_id.m': this.migrationId }).toArray();
  }

  async saveCollection(record: CollectionRecord): Promise<void> {
    await this.#collections.replaceOne({ _id: record._id }, record, { upsert: true });
  }

  async saveCollections(records: readonly CollectionRecord[]): Promise<void> {
    if (records.length === 0) return;
    const writes = records.map((replacement) => ({
      replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
    }));
    await this.#collections.bulkWrite(writes, { ordered: false });
  }

  /** Removes all that is known of a collection that was dropped. */
  async removeCollection(uuid: UUID): Promise<void> {
    await this.removePartitions(uuid);
    await this.clearSpool(uuid);
    await this.#collections.deleteOne({ _id: { m: this.migrationId, u: uuid } });
  }

  /** Views that the migration made on the destination, or was about to make. */
  async views(): Promise<{ readonly database: string; readonly name: string }[]> {
    const records = await this.#views.find({ '_id.m': this.migrationId }).toArray();
    return records.map(({ _id }) => ({ database: _id.d, name: _id.n }));
  }

  async saveViews(database: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const records = names.map((n): ViewRecord => ({ _id: { m: this.migrationId, d: database, n } }));
    const writes = records.map((replacement) => ({
      replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
    }));
    await this.#views.bulkWrite(writes, { ordered: false });
  }

  async removeView(database: string, name: string): Promise<void> {
    await this.#views.deleteOne({ _id: { m: this.migrationId, d: database, n: name } });
  }

  async partitions(uuid: UUID): Promise<PartitionRecord[]> {
    return await this.#partitions.find({ '_id.m': this.migrationId, '_id.u': uuid }).sort({ _id: 1 }).toArray();
  }

  /** Puts a plan in place of an earlier one. It counts only once the collection's record says `copying`. */
  async planPartitions(uuid: UUID, records: readonly PartitionRecord[]): Promise<void> {
    await this.removePartitions(uuid);
    if (records.length > 0) await this.#partitions.insertMany(records as PartitionRecord[]);
  }

  async savePartition(id: PartitionRecord['_id'], fields: Partial<Omit<PartitionRecord, '_id'>>): Promise<void> {
    await this.#partitions.updateOne({ _id: id }, { $set: fields });
  }

  async removePartitions(uuid: UUID): Promise<void> {
    await this.#partitions.deleteMany({ '_id.m': this.migrationId, '_id.u': uuid });
  }

  async clearSpool(uuid: UUID): Promise<void> {
    await this.#spool.deleteMany(this.#spooled(uuid));
  }

  /** Adds keys; those that are there already stay. Durable when it returns. */
  async addToSpool(records: readonly SpoolRecord[]): Promise<void> {
    const reply = await this.#db.command({
      insert: 'spool',
      documents: records,
      ordered: false,
      writeConcern: { w: 'majority', j: true },
    });
    if (reply.writeConcernError) throw new WriteConcernFailure(String(reply.writeConcernError.errmsg));
    const failed = ((reply.writeErrors ?? []) as WriteError[]).find((error) => !isDuplicateId(error));
    if (failed !== undefined) throw new WriteConcernFailure(failed.errmsg);
  }

  /** The next spooled keys of a collection, in the order in which they are to be applied; fewer than asked for when they are long. */
  async readSpool(uuid: UUID, after: SpoolRecord['_id'] | undefined, limit: number): Promise<SpoolRecord[]> {
    const records: SpoolRecord[] = [];
    let bytes = 0;
    for await (const record of this.#spool.find(this.#spooled(uuid, after)).sort({ _id: 1 }).limit(limit)) {
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
    const ours = { '_id.m': this.migrationId };
    await this.forgetCopy();
    await this.#views.deleteMany(ours);
    await this.#collections.deleteMany(ours);
  }

  /** Removes how far the copy has come. What was made stays on record. */
  async forgetCopy(): Promise<void> {
    const ours = { '_id.m': this.migrationId };
    await this.#partitions.deleteMany(ours);
    await this.#spool.deleteMany(ours as object);
  }
}

/** A key of a collection still being copied that changed meanwhile: migration, collection, rank where the order counts, key bytes. */
export interface SpoolRecord {
  readonly _id: { readonly m: string; readonly u: UUID; readonly r: Binary; readonly k: Binary };
}
