import type { MongoClient } from 'mongodb';
import type { AccountsDigest } from '../../contract/index.ts';
import { messageOf, UserError } from '../../platform/index.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { MadeAccount, MadeAccounts } from '../records/made-accounts.ts';
import { type AccountDifferences, accountsThere, compareRoles, compareUsers } from './compare-accounts.ts';
import { dropAccounts, makeAccounts } from './make-accounts.ts';

/**
 * Users may change while they are migrated. After this many attempts in a row the destination must be refusing them.
 */
const ATTEMPTS = 5;

/**
 * Migrates the source's users and custom roles, when that is selected. It does so at the cutover, before the
 * destination opens, so that applications can log in there as before. The destination's own accounts never change.
 */
export class UsersAndRoles {
  readonly #source: MongoClient;
  readonly #fence: Fence;
  readonly #made: MadeAccounts;
  #kept: UserError | undefined;
  #compared: AccountsDigest | undefined;

  constructor(source: MongoClient, fence: Fence, made: MadeAccounts) {
    this.#source = source;
    this.#fence = fence;
    this.#made = made;
  }

  /** The destination's own accounts that are kept, as of the last comparison; undefined when there are none. */
  get kept(): UserError | undefined {
    return this.#kept;
  }

  /** The digest of the source's accounts, as of the last comparison; undefined before the first. */
  get compared(): AccountsDigest | undefined {
    return this.#compared;
  }

  /** Loads the records of earlier runs. */
  async load(): Promise<void> {
    await this.#made.all();
  }

  /** Makes accounts that both sides have from an earlier direction of this migration its own ones. */
  async inherit(accounts: readonly MadeAccount[]): Promise<void> {
    await this.#made.inherit(accounts);
  }

  /** Returns how many accounts this migration has on record. */
  get made(): { readonly users: number; readonly roles: number } {
    return { users: this.#made.count('user'), roles: this.#made.count('role') };
  }

  /** Compares both sides without changing anything. */
  async compare(): Promise<{ readonly users: AccountDifferences; readonly roles: AccountDifferences }> {
    const [users, roles] = await Promise.all([
      compareUsers(this.#source, this.#fence, this.#made),
      compareRoles(this.#source, this.#fence, this.#made),
    ]);
    this.#kept = keptWarning(users.kept, roles.kept);
    this.#compared = { user: users.digest, role: roles.digest };
    return { users, roles };
  }

  /**
   * Resolves when the destination's users and roles equal the source's. Repeating it costs a few reads.
   * @param retrier  limits the time
   * @throws UserError ACCOUNTS_REFUSED when the destination refuses them
   */
  async bringOver(retrier: Retrier): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const done = await retrier.run('both clusters', () => this.#bringInStep());
      if (done.length === 0) return;
      if (attempt === ATTEMPTS) throw new UserError('ACCOUNTS_REFUSED', [shown(done)]);
    }
  }

  /**
   * Makes this migration, once committed, the owner of the accounts that earlier migrations from its source created.
   */
  async adopt(): Promise<void> {
    await this.#made.adopt();
  }

  /**
   * Drops the accounts that this migration created, for a migration that is cancelled together with its data. Needs
   * nothing of the source.
   */
  async drop(): Promise<void> {
    const own = await this.#made.own();
    if (own.length === 0) return;
    await dropAccounts(this.#fence, await accountsThere(this.#fence.client, own, this.#made.ofOtherSources));
    await this.#made.forget(own.map(({ _id }) => _id));
  }

  /** @returns the accounts that differed; a new comparison shows whether they are equal now */
  async #bringInStep(): Promise<string[]> {
    const { users, roles } = await this.compare();
    const waiting = [users, roles].flatMap(({ missing, changed, gone, forgotten }) => [
      ...[...missing, ...changed].map(({ id }) => id),
      ...[...gone, ...forgotten].map(({ _id }) => _id.id),
    ]);
    if (waiting.length === 0) return [];
    try {
      await makeAccounts(this.#fence, this.#made, users, roles);
    } catch (error) {
      if (classify(error) !== 'fatal') throw error;
      throw new UserError('ACCOUNTS_REFUSED', [`${shown(waiting)} (${messageOf(error)})`], { cause: error });
    }
    return waiting;
  }
}

function keptWarning(users: readonly string[], roles: readonly string[]): UserError | undefined {
  const parts = [
    ...(users.length > 0 ? [`users ${shown(users)}`] : []),
    ...(roles.length > 0 ? [`roles ${shown(roles)}`] : []),
  ];
  return parts.length === 0 ? undefined : new UserError('ACCOUNTS_KEPT', [parts.join(' and ')]);
}

function shown(ids: readonly string[]): string {
  return [...ids].sort().join(', ');
}
