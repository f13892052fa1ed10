import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../platform/index.ts';
import { accountsOf, findOrganizations } from '../records/queries.ts';
import type { StoreReader } from '../records/store-port.ts';
import type { Credential } from './credential.ts';

/** How long a link works. */
const LIFE_MS = 10 * 60_000;
const TOKEN_BYTES = 32;

/** The parts of the control plane that sign-in links need. */
interface SignInLinksOptions {
  readonly store: StoreReader;
  readonly clock: Clock;
}

/**
 * Links that sign in to the console once, without a secret: for an operator at the terminal of the server, whose files
 * hold all its secrets anyway. Only the SHA-256 of a link's token is in memory.
 */
export class SignInLinks {
  readonly #options: SignInLinksOptions;
  readonly #open = new Map<string, { readonly credential: Credential; readonly endsAtMs: number }>();

  constructor(options: SignInLinksOptions) {
    this.#options = options;
  }

  /**
   * Makes a token that signs in as the oldest API key that owns the server's first organization.
   * @returns undefined when there is none
   */
  async issue(): Promise<string | undefined> {
    const { store, clock } = this.#options;
    // rule: sign-in-as-first-organization
    const first = (await findOrganizations(store)).find(({ creatorId }) => creatorId === null);
    const owner = (await accountsOf(store, first?.id ?? '', 'API_KEY')).find(({ roles }) =>
      roles.includes('ORG_OWNER'),
    );
    if (owner === undefined) return undefined;
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const credential = { kind: 'API_KEY', name: owner.name } as const;
    this.#open.set(hashOf(token), { credential, endsAtMs: clock.now() + LIFE_MS });
    return token;
  }

  /**
   * Spends a token.
   * @returns the credential that it stands for; undefined when it is unknown, was used before, or is too old
   */
  spend(token: string): Credential | undefined {
    const hash = hashOf(token);
    const found = this.#open.get(hash);
    this.#open.delete(hash);
    return found !== undefined && this.#options.clock.now() < found.endsAtMs ? found.credential : undefined;
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
