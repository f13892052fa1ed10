import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'mongodb';
import type { ReplicaSet } from '../support/replica-set.ts';

const DATABASE = 'people';
const LASTING = 'lasting';
const LOOK_EVERY_MS = 5;
const USER_EXISTS = 51_003;

/** Creates the role and the user that {@link changeAccounts} changes. */
export async function createAccounts({ client }: ReplicaSet): Promise<void> {
  const db = client.db(DATABASE);
  await db.command({ createRole: 'reads', privileges: [], roles: [] });
  await db.command({ createUser: LASTING, pwd: 'first', roles: ['reads'] });
}

/** Creates a user, changes one and a role, and drops the user of the turn before, on the side that has the users. */
export async function changeAccounts({ client }: ReplicaSet, turn: number): Promise<void> {
  const db = client.db(DATABASE);
  await db.command({ createUser: `turn${turn}`, pwd: 'secret', roles: turn % 2 === 0 ? ['reads'] : [] });
  await db.command({ updateUser: LASTING, pwd: `turn ${turn}` });
  const resource = { db: DATABASE, collection: `turn${turn}` };
  await db.command({ updateRole: 'reads', privileges: [{ resource, actions: ['find'] }] });
  if (turn > 0) await db.command({ dropUser: `turn${turn - 1}` });
}

interface UserInPause {
  readonly name: string;
  /** When the side had acknowledged it. */
  readonly atMs: number;
}

/** Creates a user as soon as the side is blocked, where user management still works. @returns undefined if it ended before */
export async function createUserInPause(
  { client }: ReplicaSet,
  turn: number,
  ended: AbortSignal,
): Promise<UserInPause | undefined> {
  const name = `paused${turn}`;
  const blocks = client.db('config').collection('user_writes_critical_sections');
  while (!ended.aborted) {
    const isBlocked = await blocks.countDocuments().then(Boolean, () => false);
    const command = { createUser: name, pwd: 'secret', roles: [] };
    if (isBlocked && (await isMade(client.db(DATABASE).command(command)))) return { name, atMs: Date.now() };
    await delay(LOOK_EVERY_MS);
  }
  return undefined;
}

/** Whether the user exists now. A fault may have removed the primary, or only its answer to an earlier command. */
async function isMade(creation: Promise<Document>): Promise<boolean> {
  return await creation.then(
    () => true,
    ({ code }: { readonly code?: unknown }) => code === USER_EXISTS,
  );
}

/** Whether the side has the user. */
export async function hasUser({ client }: ReplicaSet, name: string): Promise<boolean> {
  return (await client.db('admin').collection('system.users').countDocuments({ db: DATABASE, user: name })) > 0;
}

/** Returns whether both sides have the same users and roles, passwords included. @param late  users to leave out */
export async function haveSameAccounts(
  one: ReplicaSet,
  other: ReplicaSet,
  late: ReadonlySet<string>,
): Promise<boolean> {
  return isDeepStrictEqual(await accountsOf(one, late), await accountsOf(other, late));
}

async function accountsOf({ client }: ReplicaSet, late: ReadonlySet<string>): Promise<Document[]> {
  const admin = client.db('admin');
  const read = async (name: string): Promise<Document[]> =>
    await admin
      .collection(name)
      .find({ db: DATABASE, user: { $nin: [...late] } })
      .sort({ _id: 1 })
      .toArray();
  return [...(await read('system.users')), ...(await read('system.roles'))];
}
