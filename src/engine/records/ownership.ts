import {
  type ClientSession,
  type Collection,
  type MongoClient,
  MongoServerError,
  type Timestamp,
  type TransactionOptions,
} from 'mongodb';
import { failpoint, systemClock, UserError } from '../../platform/index.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { Fence } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { type Claim, decide, type Permission, type Standing } from './destination-owner.ts';
import type { MigrationRecord } from './records.ts';

export const OWNER_COLLECTION = 'destination';

/** The one document of `linkspan_internal.destination`. */
interface OwnerRecord {
  readonly _id: 'owner';
  readonly migration: string | null;
  /** Every transaction raises it, so that two of them conflict. */
  readonly turns: number;
  /** Set by a cleanup that is about to drop the database. If it is older than a cleanup can take, the cleanup was killed. */
  readonly closingAt?: Date;
}

const CLOSES_WITHIN_MS = 30_000;
const DUPLICATE_KEY = 11_000;
const OWNER = { _id: 'owner' } as const;
const DURABLE: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
};

/**
 * The owner of a destination. Invariant: at most one migration owns it. Each change is one transaction over the owner's
 * record and the records of all migrations. If two migrations take a destination at the same moment, the later one
 * therefore retires the earlier one.
 */
export class Ownership {
  readonly #client: MongoClient;
  readonly #owner: Collection<OwnerRecord>;
  readonly #migrations: Collection<MigrationRecord>;

  constructor(client: MongoClient) {
    const database = client.db(INTERNAL_DATABASE);
    this.#client = client;
    this.#owner = database.collection(OWNER_COLLECTION);
    this.#migrations = database.collection('migrations');
  }

  /** Returns the error with which a claim would fail now, or undefined. Changes nothing. */
  async whyNot(claim: Claim): Promise<UserError | undefined> {
    const [nowMs, record, migrations] = await Promise.all([
      this.#now(),
      this.#owner.findOne(OWNER),
      this.#migrations.find().toArray(),
    ]);
    try {
      decide(claim, { named: record?.migration ?? null, migrations, nowMs });
      return undefined;
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
  }

  /**
   * Inserts the record of a new migration, and takes the destination for it as {@link claim} does.
   * @param permitted  returns with what permission; undefined to take nothing, as once the migration is cancelled
   * @returns whether the destination is taken, and no other migration was retired for that
   * @throws NotNow while a cleanup drops the database
   * @throws UserError as {@link decide}; then nothing was changed
   */
  async begin(fresh: MigrationRecord, permitted: () => Permission | undefined): Promise<boolean> {
    const permission = permitted();
    const claim = permission && { ...permission, migrationId: fresh._id };
    const owner = claim === undefined || claim.keeps ? undefined : { migration: fresh._id };
    return await this.#exclusively(async (session, standing) => {
      // The server may have been waited for. The next attempt takes nothing.
      if (claim !== undefined && permitted() === undefined) throw new NotNow('the migration was cancelled meanwhile');
      const decided = claim && decide(claim, standing);
      await this.#migrations.insertOne({ ...fresh, savedAt: new Date(standing.nowMs) }, { session });
      const retires = decided?.kind === 'owns' ? decided.retires : [];
      await this.#retire(retires, fresh._id, session);
      // rule: fence-retired-engines
      return decided !== undefined && retires.length === 0;
    }, owner);
  }

  /**
   * Takes the destination, unless the migration shares it, and retires every migration that may no longer write there: one
   * transaction raises their terms and records this migration as the one that retired them.
   * @returns false when another engine has taken the migration
   * @throws UserError as {@link decide}; then nothing was changed
   */
  async claim(claim: Claim, term: number): Promise<boolean> {
    const { migrationId } = claim;
    return await this.#exclusively(async (session, standing) => {
      if (standing.migrations.find(({ _id }) => _id === migrationId)?.term !== term) return false;
      const decided = decide(claim, standing);
      if (decided.kind === 'owns') {
        await this.#owner.updateOne(OWNER, { $set: { migration: migrationId } }, { session });
        await this.#retire(decided.retires, migrationId, session);
      }
      await this.#migrations.updateOne({ _id: migrationId }, { $currentDate: { savedAt: true } }, { session });
      return true;
    });
  }

  /** Has the server refuse late writes of the migrations that `by` retired. Repeating it costs one read. */
  async shutOut(by: string, retrier: Retrier): Promise<void> {
    // rule: fence-retired-after-kill
    for (const retired of await this.#migrations.find({ retiredBy: by, shutOut: { $ne: true } }).toArray()) {
      await this.#shutOutOne(retired, retrier);
      await failpoint('engine.destination.shut-out');
    }
  }

  /**
   * Removes the record of a migration. If it owned the destination, that is free then.
   * @returns whether no migration is left. Then none begins until the database is dropped, or half a minute has passed
   */
  async release(migrationId: string): Promise<boolean> {
    return await this.#exclusively(async (session, standing) => {
      const others = standing.migrations.filter(({ _id }) => _id !== migrationId);
      if (standing.named === migrationId)
        await this.#owner.updateOne(OWNER, { $set: { migration: null } }, { session });
      await this.#migrations.deleteOne({ _id: migrationId }, { session });
      if (others.length === 0) await this.#owner.updateOne(OWNER, { $currentDate: { closingAt: true } }, { session });
      return others.length === 0;
    });
  }

  /** Lets migrations begin again, because the database stays. */
  async reopen(): Promise<void> {
    await this.#owner.updateOne(OWNER, { $unset: { closingAt: 1 } });
  }

  /**
   * Writes documents that belong to no migration, in one transaction with a look at the migrations on record. Each
   * migration writes the owner's record before it changes anything else here, so of the two transactions one sees the
   * other. Without that record no migration has begun, and one that begins now makes collections of its own.
   * @param refuse  throws when a migration needs the documents that would be written
   * @returns the destination's time of the commit
   */
  async writeBeside(
    refuse: (migrations: readonly MigrationRecord[]) => void,
    write: (session: ClientSession) => Promise<void>,
  ): Promise<Timestamp | undefined> {
    return await this.#client.withSession(async (session) => {
      await session.withTransaction(async () => {
        // rule: repair-conflicts-with-taking
        await this.#owner.updateOne(OWNER, { $inc: { turns: 1 } }, { session });
        // rule: migrations-in-repair-transaction
        refuse(await this.#migrations.find({}, { session }).toArray());
        await failpoint('engine.destination.beside');
        await write(session);
      }, DURABLE);
      return session.operationTime;
    });
  }

  async #retire(ids: readonly string[], by: string, session: ClientSession): Promise<void> {
    // rule: new-term-when-retired
    const update = { $set: { retiredBy: by }, $inc: { term: 1 } };
    if (ids.length > 0) await this.#migrations.updateMany({ _id: { $in: [...ids] } }, update, { session });
  }

  async #shutOutOne({ _id, term, sessions }: MigrationRecord, retrier: Retrier): Promise<void> {
    try {
      await new Fence(this.#client, _id, systemClock).raise(term, sessions, retrier);
    } catch (error) {
      if (!(error instanceof UserError && error.code === 'TAKEN_OVER')) throw error; // Otherwise its record was removed meanwhile.
    }
    await this.#migrations.updateOne({ _id, term }, { $set: { shutOut: true } });
  }

  /** @param owner  fields of the owner's record that the transaction sets; `standing` has the ones before */
  async #exclusively<T>(
    act: (session: ClientSession, standing: Standing) => Promise<T>,
    owner?: Partial<OwnerRecord>,
  ): Promise<T> {
    const turn = { $inc: { turns: 1 }, ...(owner && { $set: owner }) };
    const [nowMs] = await Promise.all([this.#now(), this.#makeRecord()]);
    return await this.#client.withSession(
      async (session) =>
        await session.withTransaction(async () => {
          const record = await this.#owner.findOneAndUpdate(OWNER, turn, { session });
          const closingMs = nowMs - (record?.closingAt?.getTime() ?? 0);
          // rule: closing-keeps-new-out
          if (record === null || closingMs < CLOSES_WITHIN_MS) throw new NotNow('a cleanup there is about to end');
          const migrations = await this.#migrations.find({}, { session }).toArray();
          return await act(session, { named: record.migration, migrations, nowMs });
        }, DURABLE),
    );
  }

  /** Runs outside a transaction: of two transactions that insert the record, one would fail instead of being retried. */
  async #makeRecord(): Promise<void> {
    try {
      await this.#owner.updateOne(OWNER, { $setOnInsert: { migration: null, turns: 0 } }, { upsert: true });
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    }
  }

  async #now(): Promise<number> {
    return (await this.#client.db('admin').command({ hello: 1 })).localTime.getTime();
  }
}
