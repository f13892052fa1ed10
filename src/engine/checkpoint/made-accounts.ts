import type { Binary, Collection, MongoClient } from 'mongodb';
import { INTERNAL_DATABASE } from '../catalog/namespaces.ts';

/** A user or role that Linkspan has made on the destination, or is about to: what it may change and drop. Holds no credentials. */
export interface MadeAccount {
  /** By source, not by migration: a later migration between the same clusters may bring up to date what an earlier one made. */
  readonly _id: { readonly source: string; readonly kind: 'user' | 'role'; readonly id: string };
  /** The migration that made it first. */
  readonly migration: string;
  /** Users: all that were, or may have been, made under that name. Somebody else's of the same name has another. */
  readonly userIds: readonly string[];
  /** Roles: what was made; null while that may not be done. */
  readonly definition: Binary | null;
}

/** What a migration from one source has made of users and roles, in `linkspan_internal.accounts`. */
export class MadeAccounts {
  readonly #accounts: Collection<MadeAccount>;
  readonly #source: string;
  readonly migrationId: string;

  /** @param source  the source's cluster id */
  constructor(destination: MongoClient, source: string, migrationId: string) {
    this.#accounts = destination.db(INTERNAL_DATABASE).collection('accounts');
    this.#source = source;
    this.migrationId = migrationId;
  }

  async all(): Promise<MadeAccount[]> {
    return await this.#accounts.find({ '_id.source': this.#source }).toArray();
  }

  /** Those that this very migration made. */
  async own(): Promise<MadeAccount[]> {
    return (await this.all()).filter(({ migration }) => migration === this.migrationId);
  }

  /** Says that these are about to be made. */
  async announce(
    accounts: readonly { readonly kind: 'user' | 'role'; readonly id: string; readonly userId: string }[],
  ): Promise<void> {
    if (accounts.length === 0) return;
    const writes = accounts.map(({ kind, id, userId }) => ({
      updateOne: {
        filter: { _id: { source: this.#source, kind, id } },
        update: {
          $setOnInsert: { migration: this.migrationId },
          $set: { definition: null },
          $addToSet: { userIds: userId },
        },
        upsert: true,
      },
    }));
    await this.#accounts.bulkWrite(writes, { ordered: false });
  }

  /** Says what roles have been made. */
  async saveRoles(roles: readonly { readonly id: string; readonly definition: Binary }[]): Promise<void> {
    if (roles.length === 0) return;
    const writes = roles.map(({ id, definition }) => ({
      updateOne: {
        filter: { _id: { source: this.#source, kind: 'role' as const, id } },
        update: { $set: { definition } },
      },
    }));
    await this.#accounts.bulkWrite(writes, { ordered: false });
  }

  async forget(ids: readonly MadeAccount['_id'][]): Promise<void> {
    if (ids.length > 0) await this.#accounts.deleteMany({ _id: { $in: [...ids] } });
  }
}
