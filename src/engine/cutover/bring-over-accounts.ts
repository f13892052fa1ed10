import type { UsersAndRoles } from '../accounts/users-and-roles.ts';
import type { Retrier } from '../mongodb/retry.ts';

/** The parts of a run that migrating accounts needs. */
export interface BringOverAccountsParts {
  readonly retrier: Retrier;
  readonly accounts: UsersAndRoles;
  readonly movesAccounts: boolean;
}

/** Gives the destination the source's current users and roles, when they are selected. */
export async function bringOverAccounts({ accounts, movesAccounts, retrier }: BringOverAccountsParts): Promise<void> {
  if (movesAccounts) await accounts.bringOver(retrier);
}
