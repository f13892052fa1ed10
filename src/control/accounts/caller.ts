import type { Actor } from '../records/actor.ts';
import type { Account } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';

/** An authenticated account without the address of its request. */
export interface Caller {
  /** The account as it was when its credential was checked. */
  readonly account: Account;
  /** Reads the account again from a store or a transaction; undefined if the credential of this request is no longer valid. */
  readonly accountNow: (store: StoreReader) => Promise<Account | undefined>;
}

/** Returns the account as the author of changes, without its secrets. */
export function actorOf({ kind, name, orgId, roles, groupRoles }: Account, remoteAddress: string): Actor {
  return { kind, name, orgId, roles, groupRoles, remoteAddress };
}
