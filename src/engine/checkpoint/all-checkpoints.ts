import { type MongoClient, UUID } from 'mongodb';
import { silentLogger, systemClock, UserError } from '../../platform/index.ts';
import { INTERNAL_DATABASE } from '../catalog/namespaces.ts';
import { operationTimeOf } from '../cluster/cluster-time.ts';
import { Fence } from '../cluster/fence.ts';
import { Retrier } from '../cluster/retry.ts';
import type { MadeAccount } from './made-accounts.ts';
import { allRecords } from './read-records.ts';
import { CHECKPOINT_SCHEMA, type CollectionRecord, type MigrationRecord, type ViewRecord } from './records.ts';

const SHUT_OUT_WITHIN_MS = 60_000;

/** What is on record of a migration that may have made something on the destination. */
export interface Checkpoint {
  readonly migration: MigrationRecord;
  readonly collections: readonly CollectionRecord[];
  readonly views: readonly ViewRecord[];
  readonly accounts: readonly MadeAccount[];
}

/** The checkpoints of all migrations into a cluster, for whoever cleans up after them. */
export class AllCheckpoints {
  readonly #destination: MongoClient;

  constructor(destination: MongoClient) {
    this.#destination = destination;
  }

  /** Those of all migrations, or of one. @throws UserError CHECKPOINT_OF_OTHER_VERSION */
  async read(migrationId?: string): Promise<Checkpoint[]> {
    const client = this.#destination;
    // All that was acknowledged until now, whichever member answers.
    const time = operationTimeOf(await client.db('admin').command({ ping: 1 }), 'destination');
    const now = { client, afterOwnWrites: { level: 'majority', afterClusterTime: time } } as const;
    const which = migrationId === undefined ? {} : { _id: migrationId };
    const found = await allRecords<MigrationRecord>(now, 'migrations', which, { sort: { _id: 1 } });
    return await Promise.all(
      found.map(async (migration) => {
        const { _id: id, schema } = migration;
        if (schema !== CHECKPOINT_SCHEMA) throw new UserError('CHECKPOINT_OF_OTHER_VERSION', [id, String(schema)]);
        const [collections, views, accounts] = await Promise.all([
          allRecords<CollectionRecord>(now, 'collections', { '_id.m': id }),
          allRecords<ViewRecord>(now, 'views', { '_id.m': id }),
          allRecords<MadeAccount>(now, 'accounts', { migration: id }),
        ]);
        return { migration, collections, views, accounts };
      }),
    );
  }

  /**
   * Takes a migration away from every engine: none can write anything of it any more, and none will go on with it unless it is committed.
   * @returns what further changes of it go through
   * @param found  its record, as it was decided upon
   * @throws UserError TAKEN_OVER when an engine has written it since
   */
  async takeAway(found: MigrationRecord): Promise<Fence> {
    const { _id, term, state, sessions = new UUID() } = found;
    const ended = state === 'committed' ? state : 'cancelled';
    const savedAt = found.savedAt ?? { $exists: false };
    const taken = await this.#of<MigrationRecord>('migrations').updateOne(
      { _id, term, savedAt },
      { $set: { term: term + 1, sessions, state: ended } },
    );
    if (taken.matchedCount === 0) throw new UserError('TAKEN_OVER', [_id]);
    const fence = new Fence(this.#destination, _id, systemClock);
    const retrier = new Retrier(systemClock, silentLogger, AbortSignal.timeout(SHUT_OUT_WITHIN_MS));
    await fence.raise(term + 1, sessions, retrier);
    return fence;
  }

  /** Removes everything that is on record of a migration, itself last, and the database when nothing else is in it. */
  async forget(id: string): Promise<void> {
    for (const name of ['partitions', 'spool', 'suspects', 'views', 'collections'])
      await this.#of(name).deleteMany({ '_id.m': id });
    await this.#of('accounts').deleteMany({ migration: id });
    await this.#of('migrations').deleteOne({ _id: id } as object);
    const database = this.#destination.db(INTERNAL_DATABASE);
    for (const { name } of await database.listCollections({}, { nameOnly: true }).toArray()) {
      // As of now: of a migration that began a moment ago nothing may be dropped.
      const any = { projection: { _id: 1 }, readConcern: { level: 'linearizable' } } as const;
      if ((await database.collection(name).findOne({}, any)) !== null) return;
    }
    await database.dropDatabase();
  }

  #of<T extends object>(name: string) {
    return this.#destination.db(INTERNAL_DATABASE).collection<T>(name);
  }
}
