import type { Binary, UUID } from 'mongodb';
import type { Retrier } from '../mongodb/retry.ts';
import type { CheckpointStore, Identity, MigrationFields } from './checkpoint-store.ts';
import type { Permission } from './destination-owner.ts';
import type { CollectionRecord, MigrationRecord, PartitionRecord, SpoolRecord, SuspectRecord } from './records.ts';

/** A collection that can be put on record. */
interface RecordedCollection {
  toRecord(migrationId: string): CollectionRecord;
}

/**
 * The checkpoint store of a run. Each method calls the method of {@link CheckpointStore} with the same name, and retries it until it
 * succeeds, fails permanently, or the retrier's signal aborts.
 */
export class RetryingCheckpointStore {
  /** The same store without retries: for last attempts, and for work that is retried as a whole. */
  readonly unretried: CheckpointStore;
  readonly #retrier: Retrier;

  constructor(unretried: CheckpointStore, retrier: Retrier) {
    this.unretried = unretried;
    this.#retrier = retrier;
  }

  /** Returns the same store, retried until the signal of another retrier aborts. */
  with(retrier: Retrier): RetryingCheckpointStore {
    return new RetryingCheckpointStore(this.unretried, retrier);
  }

  get migrationId(): string {
    return this.unretried.migrationId;
  }

  /** Retries the part of the taking that is idempotent, and reports a wait when the answer is late. */
  async take(identity: Identity, takeOver: boolean, permitted: () => Permission | undefined): Promise<MigrationRecord> {
    const taken = this.unretried.take(identity, this.#retrier, takeOver, permitted);
    return await this.#retrier.expect('the destination', taken);
  }

  async takeDestination(permission: Permission): Promise<void> {
    await this.unretried.takeDestination(permission, this.#retrier);
  }

  /** Also reports a wait when the acknowledgement is late. @param fields  a function is called again for each attempt */
  async save(fields: MigrationFields | (() => MigrationFields)): Promise<void> {
    const current = () => (typeof fields === 'function' ? fields() : fields);
    await this.#run(() => this.#retrier.expect('the destination', this.unretried.save(current())));
  }

  async staysUncommitted(): Promise<boolean> {
    return await this.#run(() => this.unretried.staysUncommitted());
  }

  async clearError(keepCutover: boolean): Promise<void> {
    await this.#run(() => this.unretried.clearError(keepCutover));
  }

  async collections(): Promise<CollectionRecord[]> {
    return await this.#run(() => this.unretried.collections());
  }

  /** Each attempt writes the state of the collection at that moment: an older record must not replace a newer one. */
  async saveCollection(collection: RecordedCollection): Promise<void> {
    await this.#run(() => this.unretried.saveCollection(collection.toRecord(this.migrationId)));
  }

  async removeCollection(uuid: UUID): Promise<void> {
    await this.#run(() => this.unretried.removeCollection(uuid));
  }

  async forgetCollections(): Promise<void> {
    await this.#run(() => this.unretried.forgetCollections());
  }

  async partitions(uuid: UUID): Promise<PartitionRecord[]> {
    return await this.#run(() => this.unretried.partitions(uuid));
  }

  async copied(): ReturnType<CheckpointStore['copied']> {
    return await this.#run(() => this.unretried.copied());
  }

  async removePartitions(uuid: UUID): Promise<void> {
    await this.#run(() => this.unretried.removePartitions(uuid));
  }

  async planPartitions(records: readonly PartitionRecord[]): Promise<void> {
    await this.#run(() => this.unretried.planPartitions(records));
  }

  async savePartition(id: PartitionRecord['_id'], fields: Partial<Omit<PartitionRecord, '_id'>>): Promise<void> {
    await this.#run(() => this.unretried.savePartition(id, fields));
  }

  async suspects(): Promise<SuspectRecord[]> {
    return await this.#run(() => this.unretried.suspects());
  }

  async saveSuspects(uuids: readonly UUID[], mark: string): Promise<void> {
    await this.#run(() => this.unretried.saveSuspects(uuids, mark));
  }

  async saveCompared(uuid: UUID, mark: string, comparedTo: Binary): Promise<void> {
    await this.#run(() => this.unretried.saveCompared(uuid, mark, comparedTo));
  }

  async clearSuspect(uuid: UUID, mark: string): Promise<void> {
    await this.#run(() => this.unretried.clearSuspect(uuid, mark));
  }

  async addToSpool(records: readonly SpoolRecord[]): Promise<void> {
    await this.#run(() => this.unretried.addToSpool(records));
  }

  async readSpool(uuid: UUID, after: SpoolRecord['_id'] | undefined, limit: number): Promise<SpoolRecord[]> {
    return await this.#run(() => this.unretried.readSpool(uuid, after, limit));
  }

  async clearSpool(uuid: UUID): Promise<void> {
    await this.#run(() => this.unretried.clearSpool(uuid));
  }

  async forgetSpool(): Promise<void> {
    await this.#run(() => this.unretried.forgetSpool());
  }

  async #run<T>(operation: () => Promise<T>): Promise<T> {
    return await this.#retrier.run('the destination', operation);
  }
}
