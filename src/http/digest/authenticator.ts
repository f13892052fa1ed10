import { type DigestAlgorithm, digestHash, digestResponse } from '../../digest/index.ts';
import type { Clock } from '../../platform/index.ts';
import { equalText } from './equal-text.ts';
import { parseDigestHeader } from './header.ts';
import { Nonces } from './nonces.ts';
import { ReplayWindows } from './replay-windows.ts';
import { type DigestSecrets, REALM } from './secrets.ts';

/** The part of an account that the authenticator needs: its password-equivalents. */
export interface DigestAccount {
  readonly secrets: DigestSecrets;
}

interface DigestOptions<Account extends DigestAccount> {
  /** Secret for nonces: 32 bytes, which must stay the same after a restart. */
  readonly nonceKey: Buffer;
  /** Finds the account of a public key. */
  readonly find: (username: string) => Promise<Account | undefined>;
  readonly clock: Clock;
  /**
   * Algorithms to offer and accept, strongest first. By default only MD5, as in Atlas. A second challenge can lock clients out: curl
   * uses the first one, Python's requests uses the last one, and Go's digest reads only the first header.
   */
  readonly algorithms?: readonly DigestAlgorithm[];
}

export type DigestOutcome<Account> =
  | { readonly account: Account }
  /** Valid credentials with a nonce that is too old, or with a count that was used before (`replayed`). */
  | { readonly stale: true; readonly replayed: Account | undefined }
  /** Wrong credentials; `claimed` is the account with the given name, if it exists. */
  | { readonly stale: false; readonly username: string; readonly claimed: Account | undefined };

/** HTTP digest authentication (RFC 7616) as the Atlas API uses it. */
export class DigestAuthenticator<Account extends DigestAccount> {
  readonly #options: DigestOptions<Account>;
  readonly #algorithms: readonly DigestAlgorithm[];
  readonly #nonces: Nonces;
  readonly #replays = new ReplayWindows();
  /** Stands in for the secrets of an unknown user, so that the check takes as long as for a wrong password. */
  readonly #nobody: DigestSecrets;

  constructor(options: DigestOptions<Account>) {
    this.#options = options;
    this.#algorithms = options.algorithms ?? ['MD5'];
    this.#nonces = new Nonces(options.nonceKey, options.clock);
    const text = options.nonceKey.toString('hex');
    this.#nobody = { MD5: digestHash('MD5', text), 'SHA-256': digestHash('SHA-256', text) };
  }

  /**
   * The values of the WWW-Authenticate headers. Go's digest splits at exactly `, ` and accepts only these keys.
   * @param stale  whether the credentials were valid and only the nonce was too old
   */
  challenges(stale: boolean): string[] {
    return this.#algorithms.map(
      (algorithm) =>
        `Digest realm="${REALM}", domain="", nonce="${this.#nonces.issue(algorithm)}", algorithm=${algorithm}, qop="auth", stale=${stale}`,
    );
  }

  /**
   * Checks the credentials of a request. It doesn't need the body.
   * @param target        the request line's path and query, byte for byte
   * @param assertMayTry  called before any check; its errors pass through to the caller
   */
  async authenticate(
    method: string,
    target: string,
    header: string | undefined,
    assertMayTry: (username: string) => void = () => undefined,
  ): Promise<DigestOutcome<Account>> {
    const claim = header === undefined ? null : parseDigestHeader(header);
    assertMayTry(claim?.username ?? '');
    if (!claim || !this.#algorithms.includes(claim.algorithm) || claim.realm !== REALM || claim.uri !== target) {
      return { stale: false, username: claim?.username ?? '', claimed: undefined };
    }
    const use = `${claim.algorithm} ${claim.nonce}`;
    const wasUsed = this.#replays.knows(use);
    const nonce = this.#nonces.check(claim.nonce, claim.algorithm, wasUsed);
    const account = await this.#options.find(claim.username);
    const ha1 = (account?.secrets ?? this.#nobody)[claim.algorithm];
    const right = equalText(claim.response, digestResponse({ ...claim, ha1, method }));
    if (!account || !right || nonce.state === 'foreign') {
      return { stale: false, username: claim.username, claimed: account };
    }
    if (nonce.state === 'stale') return { stale: true, replayed: undefined };
    const fresh = this.#replays.admit(use, nonce.issuedAtSeconds, Number.parseInt(claim.nc, 16));
    return fresh ? { account } : { stale: true, replayed: wasUsed ? account : undefined };
  }
}
