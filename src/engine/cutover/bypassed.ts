import type { MongoClient } from 'mongodb';
import type { Look } from '../capture/seen-changes.ts';
import { NotNow } from '../cluster/failure-policy.ts';
import { bypassingUsers } from './bypassing-users.ts';

const SHOWN_NAMESPACES = 5;

/** Says that writes were seen under the block, where, and who may have written them. */
export async function bypassed(source: MongoClient, look: Look): Promise<NotNow> {
  // Who they are is good to know, and not every user may ask.
  const users = await bypassingUsers(source).catch(() => undefined);
  const who =
    users === undefined ? 'a user who bypasses the block' : `one of the users who bypass the block (${users})`;
  return new NotNow(
    `${look.count} changes of ${shownNamespaces(look)} came while the writes of the source's users were blocked: stop what writes as ${who}`,
  );
}

/** The first namespaces, and how many more there are. */
export function shownNamespaces({ namespaces }: Look): string {
  const more = namespaces.length - SHOWN_NAMESPACES;
  return namespaces.slice(0, SHOWN_NAMESPACES).join(', ') + (more > 0 ? ` and ${more} more namespaces` : '');
}
