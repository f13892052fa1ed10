import type { MongoClient } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { MadeAccounts } from '../records/made-accounts.ts';
import { type AccountDifferences, accountsThere, compareRoles, compareUsers } from './compare-accounts.ts';
import { dropAccounts, makeAccounts } from './make-accounts.ts';

/** Users may change while they are brought over; that often in a row means that the destination does not take them. */
const ATTEMPTS = 5;

/**
 * Brings the source's users and custom roles over, when that is asked for: as they are at the cutover, before the destination opens, so that
 * applications log in there as before. What the destination has of its own is never touched.
 */
export class UsersAndRoles {
  readonly #source: MongoClient;
  readonly #fence: Fence;
  readonly #made: MadeAccounts;
  #kept: UserError | undefined;

  constructor(source: MongoClient, fence: Fence, made: MadeAccounts) {
    this.#source = source;
    this.#fence = fence;
    this.#made = made;
  }

  /** What the destination keeps of its own, as of the last look; undefined when there is nothing like that. */
  get kept(): UserError | undefined {
    return this.#kept;
  }

  /** Loads what an earlier run knew. */
  async load(): Promise<void> {
    await this.#made.all();
  }

  /** How many this very migration has on record. */
  get made(): { readonly users: number; readonly roles: number } {
    return { users: this.#made.count('user'), roles: this.#made.count('role') };
  }

  /** Looks what is to be done, and does nothing. */
  async compare(): Promise<{ readonly users: AccountDifferences; readonly roles: AccountDifferences }> {
    const [users, roles] = await Promise.all([
      compareUsers(this.#source, this.#fence, this.#made),
      compareRoles(this.#source, this.#fence, this.#made),
    ]);
    this.#kept = keptWarning(users.kept, roles.kept);
    return { users, roles };
  }

  /**
   * Resolves when the destination's users and roles are the source's. Doing it again costs a few reads.
   * @param retrier  which says how long it may take
   * @throws UserError ACCOUNTS_REFUSED when the destination does not take them
   */
  async bringOver(retrier: Retrier): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const done = await retrier.run('both clusters', () => this.#bringInStep());
      if (done.length === 0) return;
      if (attempt === ATTEMPTS) throw new UserError('ACCOUNTS_REFUSED', [shown(done)]);
    }
  }

  /** Makes this migration the owner of what earlier ones from its source made, once it is committed. */
  async adopt(): Promise<void> {
    await this.#made.adopt();
  }

  /** Drops what this very migration made, for one that is given up together with its data. Nothing of the source is needed. */
  async drop(): Promise<void> {
    const own = await this.#made.own();
    if (own.length === 0) return;
    await dropAccounts(this.#fence, await accountsThere(this.#fence.client, own, this.#made.ofOtherSources));
    await this.#made.forget(own.map(({ _id }) => _id));
  }

  /** @returns what was not in step; looking again says whether it is now */
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
