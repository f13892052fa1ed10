import type { MongoClient } from 'mongodb';
import { failpoint, systemClock, UserError } from '../../platform/index.ts';
import { operationTimeOf } from '../mongodb/cluster-time.ts';
import { Fence } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { MadeAccount } from './made-accounts.ts';
import { OWNER_COLLECTION, Ownership } from './ownership.ts';
import { allRecords } from './read-records.ts';
import {
  type CollectionRecord,
  MIGRATION_RECORDS,
  type MigrationRecord,
  refuseOtherSchema,
  type ViewRecord,
} from './records.ts';

/** The records of a migration that may have made something on the destination. */
export interface Checkpoint {
  readonly migration: MigrationRecord;
  /** Whether no other migration may still write to the destination. */
  readonly alone: boolean;
  readonly collections: readonly CollectionRecord[];
  readonly views: readonly ViewRecord[];
  readonly accounts: readonly MadeAccount[];
  /** Records of other migrations that may have the same names. A view that two migrations have on record belongs to neither. */
  readonly ofOthers: { readonly views: readonly ViewRecord[]; readonly accounts: readonly MadeAccount[] };
}

/** The checkpoints of all migrations into a cluster, for their cleanup. */
export class AllCheckpoints {
  readonly #destination: MongoClient;
  readonly #ownership: Ownership;
  readonly #retrier: Retrier;

  constructor(destination: MongoClient, retrier: Retrier) {
    this.#destination = destination;
    this.#ownership = new Ownership(destination);
    this.#retrier = retrier;
  }

  /** Returns the checkpoints of all migrations, or of one. @throws UserError CHECKPOINT_OF_OTHER_VERSION */
  async read(migrationId?: string): Promise<Checkpoint[]> {
    const client = this.#destination;
    // A read at this time sees every acknowledged write, whichever member answers.
    const time = operationTimeOf(await client.db('admin').command({ ping: 1 }), 'destination');
    const now = { client, afterOwnWrites: { level: 'majority', afterClusterTime: time } } as const;
    const all = await allRecords<MigrationRecord>(now, 'migrations', {}, { sort: { _id: 1 } });
    const active = all.filter(({ retiredBy }) => retiredBy === undefined);
    const [views, accounts] = await Promise.all([
      allRecords<ViewRecord>(now, 'views', {}),
      allRecords<MadeAccount>(now, 'accounts', {}),
    ]);
    const found = all.filter(({ _id }) => migrationId === undefined || _id === migrationId);
    return await Promise.all(
      found.map(async (migration) => {
        const { _id: id, sourceId } = migration;
        refuseOtherSchema(migration);
        const others = active.filter(({ _id }) => _id !== id);
        return {
          migration,
          alone: others.length === 0,
          collections: await allRecords<CollectionRecord>(now, 'collections', { '_id.m': id }),
          views: views.filter(({ _id }) => _id.m === id),
          accounts: accounts.filter((one) => one.migration === id),
          ofOthers: {
            views: views.filter(({ _id }) => others.some((one) => one._id === _id.m)),
            accounts: accounts.filter(({ _id }) => _id.source !== sourceId),
          },
        };
      }),
    );
  }

  /** Has the server refuse writes that engines of the migrations that `by` retired may still send, unless that is done. */
  async shutOut(by: string): Promise<void> {
    await this.#ownership.shutOut(by, this.#retrier);
  }

  /**
   * Takes a migration away from every engine. No engine can write for it any more, and none resumes it unless it is
   * committed.
   * @param found  the record on which the decision was based
   * @returns the fence for further changes by the cleanup
   * @throws UserError TAKEN_OVER when an engine has written the record since
   */
  async takeAway(found: MigrationRecord): Promise<Fence> {
    const { _id, term, state } = found;
    const ended = state === 'COMMITTED' ? state : 'CANCELLED';
    const savedAt = found.savedAt ?? { $exists: false };
    const taken = await this.#of<MigrationRecord>('migrations').updateOne(
      { _id, term, savedAt },
      { $set: { term: term + 1, state: ended } },
    );
    if (taken.matchedCount === 0) throw new UserError('TAKEN_OVER', [_id]);
    const fence = new Fence(this.#destination, _id, systemClock);
    await fence.raise(term + 1, found.sessions, this.#retrier);
    return fence;
  }

  /**
   * Removes all records of a migration, the migration's own last, and the database when nothing else is in it. Users and
   * roles that a retired migration made stay on record: the destination's owner keeps them up to date.
   */
  async forget({ _id: id }: MigrationRecord, isRetired: boolean): Promise<void> {
    for (const name of MIGRATION_RECORDS) await this.#of(name).deleteMany({ '_id.m': id });
    // rule: keep-accounts-of-retired
    if (!isRetired) await this.#of('accounts').deleteMany({ migration: id });
    if (!(await this.#retrier.run('the destination', () => this.#ownership.release(id)))) return;
    await this.#of('accounts').deleteMany({});
    await failpoint('engine.cleanup.closing');
    const database = this.#destination.db(INTERNAL_DATABASE);
    for (const { name } of await database.listCollections({}, { nameOnly: true }).toArray()) {
      if (name === OWNER_COLLECTION) continue;
      // An older state must not count: nothing of a migration that began a moment ago may be dropped.
      const any = { projection: { _id: 1 }, readConcern: { level: 'linearizable' } } as const;
      if ((await database.collection(name).findOne({}, any)) !== null) return await this.#ownership.reopen();
    }
    await database.dropDatabase();
  }

  #of<T extends object>(name: string) {
    return this.#destination.db(INTERNAL_DATABASE).collection<T>(name);
  }
}
