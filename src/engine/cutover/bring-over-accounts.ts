import type { EngineContext } from '../run/context.ts';

/** Makes users and roles on the destination as they are on the source now, where they come over at all. */
export async function bringOverAccounts({ accounts, movesAccounts, retrier }: EngineContext): Promise<void> {
  if (movesAccounts) await accounts.bringOver(retrier);
}
