import { UserError } from '../../platform/index.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { CutoverRecord } from '../records/records.ts';
import { changedAccounts, readAccountsDigest } from './accounts-digest.ts';

/**
 * Returns the old source's collections of users and roles that changed after the last look of the cutover, and of which
 * the cutover didn't tell: the old source may have been away when it ended.
 */
export async function readLateAccounts(
  { destination, logger, retrier }: Clusters & Pace & Telling,
  { accounts, writtenAfterCommit }: CutoverRecord,
): Promise<readonly string[]> {
  if (accounts === undefined) return [];
  const now = await retrier.run('the destination', () => readAccountsDigest(destination));
  const told = writtenAfterCommit?.namespaces ?? '';
  const late = changedAccounts(accounts, now).filter((namespace) => !told.includes(namespace));
  if (late.length > 0)
    logger.error(
      { event: 'cutover.late_writes', count: late.length, namespaces: late.join(', ') },
      lateAccountsWarning(late).message,
    );
  return late;
}

/** Returns the warning that stays with the opposite direction. */
export function lateAccountsWarning(namespaces: readonly string[]): UserError {
  return new UserError('OLD_SOURCE_ACCOUNTS_CHANGED', [namespaces.join(', ')]);
}
