import { createHash, randomBytes } from 'node:crypto';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Account } from '../records/records.ts';
import { actorOf, type Caller } from './caller.ts';
import { type Credential, standingOf } from './credential.ts';
import { hasLostRole } from './sender.ts';

/** How long a session lives without a request. An open page of the console sends requests by itself. */
const SESSION_IDLE_MS = 30 * 60_000;
/** How long a session lives at most: a working day. */
const SESSION_LIFE_MS = 12 * 3_600_000;
/** Sessions of one account. The longest unused one ends when another begins. */
const MOST_OF_ACCOUNT = 20;
/** Sessions of all accounts, for the memory. Beyond it, the organization with the most loses its longest unused one. */
const MOST_SESSIONS = 10_000;
const TOKEN_BYTES = 32;

type Rights = Pick<Account, 'orgId' | 'roles' | 'groupRoles'>;

interface Session {
  readonly credential: Credential;
  readonly mark: string;
  readonly beganAtMs: number;
  /** The account's rights at the last use. Without its secrets, which a reader of the memory could use. */
  rights: Rights;
  usedAtMs: number;
}

/** A caller that a session stands for, and when the session ends at the latest. */
export interface SessionCaller extends Caller {
  readonly expiresAtMs: number;
}

/**
 * The sessions of the console. Each stands for the account that signed in, with the roles and the access list that it has in the
 * store at the moment. A session ends when it is signed out, unused or old, when its key or secret is deleted or replaced, and when its
 * account gets other roles in the organization or loses one in a project.
 *
 * Sessions are only in memory, under the SHA-256 of their token (docs/adr/0030-console-sessions.md).
 */
export class Sessions {
  readonly #control: Control;
  readonly #most: number;
  /** By the hash of the token, in the order of last use. */
  readonly #sessions = new Map<string, Session>();

  /** @param most  sessions of all accounts */
  constructor(control: Control, most = MOST_SESSIONS) {
    this.#control = control;
    this.#most = most;
  }

  /**
   * Begins a session of an account whose credential was checked, and records it.
   * @param remoteAddress  the client's address
   * @returns its token, which is not kept; undefined if the account was deleted meanwhile
   */
  async begin(credential: Credential, remoteAddress: string): Promise<string | undefined> {
    const standing = await standingOf(this.#control, credential);
    if (!standing) return undefined;
    await this.#record('CONSOLE_SESSION_BEGAN', standing.account, remoteAddress);
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const nowMs = this.#control.clock.now();
    const session = { credential, mark: standing.mark, beganAtMs: nowMs, rights: rightsOf(standing), usedAtMs: nowMs };
    this.#sessions.set(hashOf(token), session);
    this.#limit(credential);
    return token;
  }

  /** The account of a session that has not ended. Counts as its use. */
  async find(token: string): Promise<SessionCaller | undefined> {
    const hash = hashOf(token);
    const session = this.#sessions.get(hash);
    if (!session) return undefined;
    const { credential, mark, beganAtMs, usedAtMs } = session;
    const standing = await standingOf(this.#control, credential);
    // rule: session-ends-with-role
    const isDemoted =
      standing?.mark !== mark || (await hasLostRole(this.#control.store, session.rights, standing.account));
    // Read after the wait: it may have been signed out meanwhile.
    const nowMs = this.#control.clock.now();
    const isOld = nowMs - usedAtMs >= SESSION_IDLE_MS || nowMs - beganAtMs >= SESSION_LIFE_MS;
    if (isOld || isDemoted) this.#sessions.delete(hash);
    if (!standing || this.#sessions.get(hash) !== session) return undefined;
    session.rights = rightsOf(standing);
    session.usedAtMs = nowMs;
    this.#sessions.delete(hash);
    this.#sessions.set(hash, session);
    const accountNow: Caller['accountNow'] = async (store) => {
      const account = await standing.accountNow(store);
      // rule: requests-end-with-session
      return this.#sessions.get(hash) === session ? account : undefined;
    };
    return { account: standing.account, accountNow, expiresAtMs: beganAtMs + SESSION_LIFE_MS };
  }

  /** Ends a session, and records it. @param remoteAddress  the client's address */
  async end(token: string, remoteAddress: string): Promise<void> {
    const found = await this.find(token);
    this.#sessions.delete(hashOf(token));
    if (found) await this.#record('CONSOLE_SESSION_ENDED', found.account, remoteAddress);
  }

  #limit({ kind, name }: Credential): void {
    const own = [...this.#sessions].filter(
      ([, { credential }]) => credential.kind === kind && credential.name === name,
    );
    for (const [hash] of own.slice(0, Math.max(0, own.length - MOST_OF_ACCOUNT))) this.#sessions.delete(hash);
    if (this.#sessions.size <= this.#most) return;
    const organizations = Map.groupBy(this.#sessions, ([, { rights }]) => rights.orgId);
    // rule: largest-organization-gives-way
    const [largest] = [...organizations.values()].toSorted((left, right) => right.length - left.length);
    const [longestUnused] = largest ?? [];
    if (longestUnused !== undefined) this.#sessions.delete(longestUnused[0]);
  }

  async #record(eventTypeName: string, account: Account, remoteAddress: string): Promise<void> {
    const { store, clock } = this.#control;
    const { orgId } = account;
    await store.write((transaction) =>
      audit(transaction, actorOf(account, remoteAddress), clock.now(), { eventTypeName, orgId }),
    );
  }
}

function rightsOf({ account: { orgId, roles, groupRoles } }: Caller): Rights {
  return { orgId, roles, groupRoles };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
