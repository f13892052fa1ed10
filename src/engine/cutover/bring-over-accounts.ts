import type { UsersAndRoles } from '../accounts/users-and-roles.ts';
import type { Retrier } from '../mongodb/retry.ts';

/** The parts of a run that are used here. */
export interface BringOverAccountsParts {
  readonly retrier: Retrier;
  readonly accounts: UsersAndRoles;
  readonly movesAccounts: boolean;
}

/** Makes users and roles on the destination as they are on the source now, where they come over at all. */
export async function bringOverAccounts({ accounts, movesAccounts, retrier }: BringOverAccountsParts): Promise<void> {
  if (movesAccounts) await accounts.bringOver(retrier);
}
