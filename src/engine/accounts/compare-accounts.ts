import type { MongoClient } from 'mongodb';
import { bufferOf } from '../bson/stored-bytes.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { MadeAccount, MadeAccounts } from '../records/made-accounts.ts';
import { digestOf } from './accounts-digest.ts';
import { type AccountKind, authenticatedUsers, type Definition, existingRoles, readDefinitions } from './definition.ts';

/** The differences between both sides' users, or roles. */
export interface AccountDifferences {
  /** The digest of the source's. */
  readonly digest: string;
  readonly missing: readonly Definition[];
  /** Created by Linkspan, and different on the source now. */
  readonly changed: readonly Definition[];
  /** Created by Linkspan, and no longer on the source. */
  readonly gone: readonly MadeAccount[];
  /** Only their record is left. */
  readonly forgotten: readonly MadeAccount[];
  /** On both sides, and not created by Linkspan: they stay unchanged. */
  readonly kept: readonly string[];
}

/** Compares the users of both sides. Decodes only their names. */
export async function compareUsers(
  source: MongoClient,
  { client: destination, afterOwnWrites }: Fence,
  made: MadeAccounts,
): Promise<AccountDifferences> {
  const [wanted, present, own, records] = await Promise.all([
    readDefinitions(source, 'user'),
    readDefinitions(destination, 'user', afterOwnWrites),
    authenticatedUsers(destination),
    made.all(),
  ]);
  const there = new Map(present.map((user) => [user.id, user]));
  const isOurs = isMadeUser(there, own, made.ofOtherSources);
  return differences(wanted, records, 'user', {
    has: (id) => there.has(id),
    isOurs,
    isUpToDate: ({ id, bytes }) => there.get(id)?.bytes.equals(bytes) ?? false,
  });
}

/** Compares the roles of both sides. */
export async function compareRoles(
  source: MongoClient,
  { client: destination }: Fence,
  made: MadeAccounts,
): Promise<AccountDifferences> {
  const [wanted, records] = await Promise.all([readDefinitions(source, 'role'), made.all()]);
  const recorded = new Map(records.filter(({ _id }) => _id.kind === 'role').map((record) => [record._id.id, record]));
  // No role lets the destination's user read the definitions of roles there, so the record has what Linkspan created.
  const present = await existingRoles(destination, [...wanted, ...[...recorded.values()].map(nameOf)]);
  return differences(wanted, records, 'role', {
    has: (id) => present.has(id),
    isOurs: isMadeRole(present, made.ofOtherSources),
    isUpToDate: ({ id, bytes }) => {
      const definition = recorded.get(id)?.definition;
      return definition != null && bufferOf(definition).equals(bytes);
    },
  });
}

/**
 * Returns the accounts that the destination still has as Linkspan created them.
 * @param others  records of other sources: an account on record for two sources belongs to neither
 */
export async function accountsThere(
  destination: MongoClient,
  records: readonly MadeAccount[],
  others: readonly MadeAccount[],
): Promise<MadeAccount[]> {
  const [users, roles] = [records.filter(isOf('user')), records.filter(isOf('role'))];
  const present = users.length === 0 ? [] : await readDefinitions(destination, 'user');
  const isOurs = isMadeUser(
    new Map(present.map((user) => [user.id, user])),
    await authenticatedUsers(destination),
    others,
  );
  const isThere = isMadeRole(await existingRoles(destination, roles.map(nameOf)), others);
  return [...users.filter(isOurs), ...roles.filter(isThere)];
}

/**
 * A user that another client recreated under the name has another id. The engine must not drop its own user on the
 * destination.
 */
function isMadeUser(
  present: ReadonlyMap<string, Definition>,
  self: ReadonlySet<string>,
  others: readonly MadeAccount[],
): (record: MadeAccount) => boolean {
  return ({ _id, userIds }) => {
    const userId = present.get(_id.id)?.userId;
    if (userId === undefined || self.has(_id.id) || !userIds.includes(userId)) return false;
    // rule: leave-contested-user
    return !others.some((one) => isOf('user')(one) && one._id.id === _id.id && one.userIds.includes(userId));
  };
}

/** A role has no id, so only the name and the records decide. */
function isMadeRole(present: ReadonlySet<string>, others: readonly MadeAccount[]): (record: MadeAccount) => boolean {
  const contested = new Set(others.filter(isOf('role')).map(({ _id }) => _id.id));
  // rule: leave-contested-role
  return ({ _id }) => present.has(_id.id) && !contested.has(_id.id);
}

function isOf(kind: AccountKind): (record: MadeAccount) => boolean {
  return ({ _id }) => _id.kind === kind;
}

function differences(
  wanted: readonly Definition[],
  records: readonly MadeAccount[],
  kind: AccountKind,
  destination: {
    readonly has: (id: string) => boolean;
    readonly isOurs: (record: MadeAccount) => boolean;
    readonly isUpToDate: (definition: Definition) => boolean;
  },
): AccountDifferences {
  const recorded = new Map(records.filter(({ _id }) => _id.kind === kind).map((record) => [record._id.id, record]));
  const isOurs = ({ id }: Definition) => {
    const record = recorded.get(id);
    return record !== undefined && destination.isOurs(record);
  };
  const there = wanted.filter(({ id }) => destination.has(id));
  const stillWanted = new Set(wanted.map(({ id }) => id));
  const leftOver = [...recorded.values()].filter(({ _id }) => !stillWanted.has(_id.id));
  return {
    digest: digestOf(wanted),
    missing: wanted.filter(({ id }) => !destination.has(id)),
    changed: there.filter((one) => isOurs(one) && !destination.isUpToDate(one)),
    gone: leftOver.filter(destination.isOurs),
    forgotten: leftOver.filter((record) => !destination.isOurs(record)),
    kept: there.filter((one) => !isOurs(one)).map(({ id }) => id),
  };
}

/** Splits at the first dot: a user's name can contain dots, a database's can't. */
export function nameOf({ _id }: MadeAccount): { readonly database: string; readonly name: string } {
  const dot = _id.id.indexOf('.');
  return { database: _id.id.slice(0, dot), name: _id.id.slice(dot + 1) };
}
