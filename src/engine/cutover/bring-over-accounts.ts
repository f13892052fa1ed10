import type { Migrated } from '../collections/context.ts';
import type { Pace } from '../records/context.ts';

/** Gives the destination the source's current users and roles, when they are selected. */
export async function bringOverAccounts({ accounts, movesAccounts, retrier }: Pace & Migrated): Promise<void> {
  if (movesAccounts) await accounts.bringOver(retrier);
}
