import type { MongoClient } from 'mongodb';
import { counted } from '../../platform/index.ts';
import type { Look } from '../collections/seen-changes.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { bypassingUsers } from './bypassing-users.ts';

const SHOWN_NAMESPACES = 5;

/** Returns the error for writes under the block: where they were, and which users may have made them. */
export async function bypassed(source: MongoClient, look: Look): Promise<NotNow> {
  // The names help the operator, but not every user may read them.
  const users = await bypassingUsers(source).catch(() => undefined);
  const who = users === undefined ? '' : ` (${users})`;
  return new NotNow(
    `${shownChanges(look.count)} in ${shownNamespaces(look)} arrived while the source's write block was set. ` +
      `Stop the applications that connect as a user who bypasses the block${who}`,
  );
}

export function shownChanges(count: number): string {
  return counted(count, 'change');
}

/** Returns the first namespaces, and how many more there are. */
export function shownNamespaces({ namespaces }: Look): string {
  const more = namespaces.length - SHOWN_NAMESPACES;
  return namespaces.slice(0, SHOWN_NAMESPACES).join(', ') + (more > 0 ? ` and ${counted(more, 'more namespace')}` : '');
}
