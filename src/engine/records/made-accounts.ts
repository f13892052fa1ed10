import type { Binary } from 'mongodb';
import type { Fence } from '../mongodb/fence.ts';
import { allRecords } from './read-records.ts';
import { putRecords, removeRecord, updateRecords } from './write-records.ts';

/** A user or role that Linkspan made on the destination, or is about to make, and so may change and drop. Holds no credentials. */
export interface MadeAccount {
  /** Named by source, not by migration: a later migration between the same clusters may update accounts of an earlier one. */
  readonly _id: { readonly source: string; readonly kind: 'user' | 'role'; readonly id: string };
  /** The migration that made it first. */
  readonly migration: string;
  /**
   * For users: the ids that Linkspan made, or may have made, under that name. A user that another client created has another id.
   */
  readonly userIds: readonly string[];
  /** For roles: the definition on the destination; null until it is certain that the role was made. */
  readonly definition: Binary | null;
}

/** The name of a user or role on the destination. */
export type AccountName = Pick<MadeAccount['_id'], 'kind' | 'id'>;

/** The users and roles that migrations from one source have made, in `linkspan_internal.accounts`. */
export class MadeAccounts {
  readonly #fence: Fence;
  readonly #source: string;
  readonly migrationId: string;
  /** The migration that owns each account, by the last read and the writes since. */
  #owners = new Map<string, Pick<MadeAccount, '_id' | 'migration'>>();
  #ofOtherSources: readonly MadeAccount[] = [];

  /** @param source  the source's cluster id */
  constructor(fence: Fence, source: string) {
    this.#fence = fence;
    this.#source = source;
    this.migrationId = fence.migrationId;
  }

  async all(): Promise<MadeAccount[]> {
    const found = await allRecords<MadeAccount>(this.#fence, 'accounts', {});
    const all = found.filter(({ _id }) => _id.source === this.#source);
    this.#ofOtherSources = found.filter(({ _id }) => _id.source !== this.#source);
    this.#owners = new Map(all.map((account) => [nameOf(account._id), account]));
    return all;
  }

  /** Returns the accounts that this migration made. */
  async own(): Promise<MadeAccount[]> {
    return (await this.all()).filter(({ migration }) => migration === this.migrationId);
  }

  /** Returns how many accounts this migration made, or was about to make. */
  count(kind: 'user' | 'role'): number {
    return [...this.#owners.values()].filter((one) => one._id.kind === kind && one.migration === this.migrationId)
      .length;
  }

  /** Accounts that migrations from other sources have on record, by the last read. */
  get ofOtherSources(): readonly MadeAccount[] {
    return this.#ofOtherSources;
  }

  /** Removes accounts of these names from the records of other sources: the destination doesn't have them. */
  async takeNames(accounts: readonly AccountName[]): Promise<void> {
    const names = new Set(accounts.map(nameOf));
    for (const { _id } of this.#ofOtherSources)
      if (names.has(nameOf(_id))) await removeRecord(this.#fence, 'accounts', _id);
  }

  /** Makes this migration the owner of all accounts of its source: it is committed, and applications use them. */
  async adopt(): Promise<void> {
    const others = (await this.all()).filter(({ migration }) => migration !== this.migrationId);
    const $set = { migration: this.migrationId };
    await updateRecords(
      this.#fence,
      'accounts',
      others.map(({ _id }) => ({ q: { _id }, u: { $set } })),
    );
    for (const { _id } of others) this.#owners.set(nameOf(_id), { _id, ...$set });
  }

  /** Records that these accounts are about to be made. */
  async announce(
    accounts: readonly { readonly kind: 'user' | 'role'; readonly id: string; readonly userId: string }[],
  ): Promise<void> {
    const updates = accounts.map(({ kind, id, userId }) => ({
      q: { _id: { source: this.#source, kind, id } },
      u: {
        $setOnInsert: { migration: this.migrationId },
        $set: { definition: null },
        $addToSet: { userIds: userId },
      },
      upsert: true,
    }));
    await updateRecords(this.#fence, 'accounts', updates);
    for (const { q } of updates)
      if (!this.#owners.has(nameOf(q._id))) this.#owners.set(nameOf(q._id), { ...q, migration: this.migrationId });
  }

  /**
   * Records accounts that both sides have from an earlier direction of this migration, so that this direction may change and
   * drop them, too. Repeating it does no harm.
   * @param accounts  the earlier direction's records
   */
  async inherit(accounts: readonly MadeAccount[]): Promise<void> {
    const inherited = accounts.map(({ _id: { kind, id }, userIds, definition }) => ({
      _id: { source: this.#source, kind, id },
      migration: this.migrationId,
      userIds,
      definition,
    }));
    await putRecords(this.#fence, 'accounts', inherited);
    for (const account of inherited) this.#owners.set(nameOf(account._id), account);
  }

  /** Records the roles that were made. */
  async saveRoles(roles: readonly { readonly id: string; readonly definition: Binary }[]): Promise<void> {
    const updates = roles.map(({ id, definition }) => ({
      q: { _id: { source: this.#source, kind: 'role', id } },
      u: { $set: { definition } },
    }));
    await updateRecords(this.#fence, 'accounts', updates);
  }

  async forget(ids: readonly MadeAccount['_id'][]): Promise<void> {
    for (const id of ids) {
      await removeRecord(this.#fence, 'accounts', id);
      this.#owners.delete(nameOf(id));
    }
  }
}

function nameOf({ kind, id }: AccountName): string {
  return `${kind} ${id}`;
}
