import { randomUUID } from 'node:crypto';
import type { Account } from './actor.ts';
import type { Control } from './control.ts';
import type { ServiceAccount } from './records.ts';

/** How long an access token is good for, as Atlas's (contract §4.2). */
export const ACCESS_TOKEN_LIFE_SECONDS = 3600;

/** One algorithm and fixed claims, so that no other token is ever taken for one of these (RFC 8725). */
const ALGORITHM = 'HS256';
const TYPE = 'at+jwt';
const ISSUER = 'linkspan';
const AUDIENCE = 'atlas-administration-api';
const PURPOSE = 'access tokens';

interface Claims {
  readonly clientId: string;
  readonly tokenId: string;
  readonly expiresAtMs: number;
}

/** An access token of a service account: a JWT that needs no store to be made, and only Linkspan reads. */
export async function issueAccessToken(control: Control, { clientId }: ServiceAccount): Promise<string> {
  const { SignJWT } = await import('jose');
  const nowSeconds = Math.floor(control.clock.now() / 1000);
  return await new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(clientId)
    .setJti(randomUUID())
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ACCESS_TOKEN_LIFE_SECONDS)
    .sign(control.sealer.deriveKey(PURPOSE));
}

/** The account behind an access token that is valid now; undefined otherwise, whatever is wrong with it. */
export async function findTokenAccount(control: Control, token: string): Promise<Account | undefined> {
  const claims = await verify(control, token);
  const account = claims && (await control.store.serviceAccount(claims.clientId));
  if (!account || (await control.store.revokedAccessToken(claims.tokenId))) return undefined;
  const { clientId, orgId, roles, groupRoles, accessList } = account;
  return { actor: { kind: 'service account', name: clientId, orgId, roles, groupRoles }, accessList };
}

/** Ends an access token before its time, for good. What is no valid token of this account is left alone (RFC 7009 §2.2). */
export async function revokeAccessToken(control: Control, account: ServiceAccount, token: string): Promise<void> {
  const claims = await verify(control, token);
  if (claims?.clientId !== account.clientId) return;
  const { tokenId: id, expiresAtMs } = claims;
  const nowMs = control.clock.now();
  await control.store.write(async (transaction) => {
    await transaction.deleteRevokedAccessTokens(nowMs);
    if (await transaction.revokedAccessToken(id)) return;
    await transaction.insertRevokedAccessToken({ id, expiresAtMs, createdAtMs: nowMs });
  });
}

/** A token of before a rotation of the master key is good for the rest of its hour, or until the server starts again. */
async function verify({ sealer, clock }: Control, token: string): Promise<Claims | undefined> {
  const { errors, jwtVerify } = await import('jose');
  for (const key of sealer.deriveKeys(PURPOSE)) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['sub', 'jti', 'exp'],
        currentDate: new Date(clock.now()),
      });
      const { sub = '', jti = '', exp = 0 } = payload;
      return { clientId: sub, tokenId: jti, expiresAtMs: exp * 1000 };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
  }
  return undefined;
}
