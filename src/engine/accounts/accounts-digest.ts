import { createHash } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import type { AccountsDigest } from '../../contract/index.ts';
import type { CausalRead } from '../mongodb/fence.ts';
import { type Definition, readDefinitions, STORED_IN } from './definition.ts';

/** Returns the digest of users, or of roles. */
export function digestOf(definitions: readonly Definition[]): string {
  const hash = createHash('sha256');
  for (const { bytes } of definitions.toSorted((one, other) => (one.id < other.id ? -1 : 1))) hash.update(bytes);
  return hash.digest('hex');
}

/** Reads the digest of a cluster's users and roles. */
export async function readAccountsDigest(client: MongoClient, readConcern?: CausalRead): Promise<AccountsDigest> {
  const [users, roles] = await Promise.all([
    readDefinitions(client, 'user', readConcern),
    readDefinitions(client, 'role', readConcern),
  ]);
  return { user: digestOf(users), role: digestOf(roles) };
}

/** Returns the collections of a cluster's users and roles that changed between two digests. */
export function changedAccounts(before: AccountsDigest, now: AccountsDigest): readonly string[] {
  const kinds = (['user', 'role'] as const).filter((kind) => before[kind] !== now[kind]);
  return kinds.map((kind) => `admin.${STORED_IN[kind]}`);
}
