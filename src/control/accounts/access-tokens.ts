import { hash, randomUUID } from 'node:crypto';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { accountNamed, lastRestore } from '../records/queries.ts';
import type { ServiceAccount } from '../records/records.ts';
import type { Sealer } from '../records/sealer.ts';
import type { StoreReader } from '../records/store-port.ts';
import { actorOf, type Caller } from './caller.ts';
import type { ClientCredential } from './service-accounts.ts';

/** Lifetime of an access token, as in Atlas (docs/reference/atlas-contract.md). */
export const ACCESS_TOKEN_LIFE_SECONDS = 3600;

/** One algorithm and fixed claims, so that no other token is accepted as an access token (RFC 8725). */
const ALGORITHM = 'HS256';
const TYPE = 'at+jwt';
const ISSUER = 'linkspan';
const AUDIENCE = 'atlas-administration-api';
const PURPOSE = 'access tokens';

/** The claim with the id of the secret that requested the token. */
const SECRET_CLAIM = 'secret_id';

/** The claim with the id of the last restore before the token was issued; absent if there was none. */
const RESTORE_CLAIM = 'restore_id';

/** Tokens whose hashes are kept, about 1 MB. A rotation of the master key ends the tokens of an hour beyond this number. */
const MOST_ISSUED = 10_000;
const issuedTokens = new WeakMap<Sealer, Set<string>>();

interface Claims {
  readonly clientId: string;
  readonly secretId: string;
  readonly tokenId: string;
  readonly restoreId: string | undefined;
  readonly expiresAtMs: number;
}

/** Issues an access token of a service account: a JWT for which nothing is written to the store. Only Linkspan reads it. */
export async function issueAccessToken(control: Control, { name, secretId }: ClientCredential): Promise<string> {
  const { SignJWT } = await import('jose');
  const nowSeconds = Math.floor(control.clock.now() / 1000);
  const restore = await lastRestore(control.store);
  const token = await new SignJWT({ [SECRET_CLAIM]: secretId, ...(restore && { [RESTORE_CLAIM]: restore.id }) })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(name)
    .setJti(randomUUID())
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ACCESS_TOKEN_LIFE_SECONDS)
    .sign(control.sealer.deriveKey(PURPOSE));
  const issued = issuedWith(control.sealer);
  issued.add(hashOf(token));
  const [oldest] = issued;
  if (issued.size > MOST_ISSUED && oldest !== undefined) issued.delete(oldest);
  return token;
}

/** The hashes of the tokens that this process has issued, in their order. */
function issuedWith(sealer: Sealer): Set<string> {
  const issued = issuedTokens.get(sealer) ?? new Set();
  issuedTokens.set(sealer, issued);
  return issued;
}

function hashOf(token: string): string {
  return hash('sha256', token);
}

/**
 * The caller with an access token, or why the token is refused. An `expired` token is genuine and no attack: clients send one about once
 * an hour.
 */
export type TokenOutcome = { readonly caller: Caller } | { readonly refused: 'expired' | 'ended' | 'wrong' };

/**
 * Checks an access token. A token becomes invalid when the secret that requested it is deleted. It also does after a restore, because the
 * restored store may lack its revocation.
 */
export async function findTokenAccount(control: Control, token: string): Promise<TokenOutcome> {
  const claims = await verify(control, token);
  if (typeof claims === 'string') return { refused: claims };
  const accountNow = (store: StoreReader) => accountOf(store, claims);
  const account = await accountNow(control.store);
  return account ? { caller: { account, accountNow } } : { refused: 'ended' };
}

/** The account of verified claims; undefined if the token has ended before its time. */
async function accountOf(
  store: StoreReader,
  { clientId, secretId, tokenId, restoreId }: Claims,
): Promise<ServiceAccount | undefined> {
  const account = await accountNamed(store, 'SERVICE_ACCOUNT', clientId);
  if (!account?.secrets.some(({ id }) => id === secretId)) return undefined;
  if (await store.get('revokedAccessTokens', tokenId)) return undefined;
  return restoreId === (await lastRestore(store))?.id ? account : undefined;
}

/** The client id that a token claims, unverified; empty if it claims none. */
export function claimedClientId(token: string): string {
  try {
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof sub === 'string' ? sub : '';
  } catch {
    return '';
  }
}

/** Revokes an access token. Ignores anything that is not a valid token of this account (RFC 7009 §2.2). */
export async function revokeAccessToken(
  control: Control,
  account: ServiceAccount,
  token: string,
  remoteAddress: string,
): Promise<void> {
  const claims = await verify(control, token);
  if (typeof claims === 'string' || claims.clientId !== account.name) return;
  const { tokenId: id, expiresAtMs } = claims;
  const nowMs = control.clock.now();
  await control.store.write(async (transaction) => {
    await transaction.delete('revokedAccessTokens', { expiresAtMs: { lte: nowMs } });
    if (await transaction.get('revokedAccessTokens', id)) return;
    await transaction.insert('revokedAccessTokens', { id, expiresAtMs, createdAtMs: nowMs });
    const { name: clientId, orgId } = account;
    const author = actorOf(account, remoteAddress);
    const details = { clientId, accessTokenId: id };
    await audit(transaction, author, nowMs, { eventTypeName: 'ACCESS_TOKEN_REVOKED', orgId, details });
  });
}

/**
 * Verifies a token. It is valid for an hour after it was issued, whatever expiry it claims, because a key's holder could sign anything.
 * With a master key that was rotated out, only tokens that this process has issued are valid: a holder of that key could sign others,
 * and date them back.
 */
async function verify({ sealer, clock }: Control, token: string): Promise<Claims | 'expired' | 'ended' | 'wrong'> {
  const { errors, jwtVerify } = await import('jose');
  for (const [at, key] of sealer.deriveKeys(PURPOSE).entries()) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['sub', 'jti', 'exp', 'iat'],
        maxTokenAge: ACCESS_TOKEN_LIFE_SECONDS,
        currentDate: new Date(clock.now()),
      });
      const { sub, jti, exp = 0, [SECRET_CLAIM]: secretId, [RESTORE_CLAIM]: restoreId } = payload;
      if (typeof sub !== 'string' || typeof jti !== 'string' || typeof secretId !== 'string') return 'wrong';
      if (restoreId !== undefined && typeof restoreId !== 'string') return 'wrong';
      // rule: former-key-signs-nothing
      if (at > 0 && !issuedWith(sealer).has(hashOf(token))) return 'ended';
      return { clientId: sub, secretId, tokenId: jti, restoreId, expiresAtMs: exp * 1000 };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      // jose throws this only after it has verified the signature.
      if (error instanceof errors.JWTExpired) return 'expired';
    }
  }
  return 'wrong';
}
