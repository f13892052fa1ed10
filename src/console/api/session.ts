import { signal } from '@preact/signals';
import { ApiProblem, send } from './client.ts';
import type { ShownSession } from './types.ts';

const PATH = '/api/session';
const LINK = /^#\/link\/([\w-]+)$/;

type SignedIn = Extract<ShownSession, { signedIn: true }>;

/** The session; `unknown` until the server was asked, null while no one is signed in. */
export const session = signal<SignedIn | null | 'unknown'>('unknown');
/** Whether the session ended by itself, so that the page says why it asks again. */
export const hasEnded = signal(false);

/** Asks the server for the session of this browser. */
export async function readSession(): Promise<void> {
  keep(await send<ShownSession>('GET', PATH));
}

/**
 * Exchanges credentials for a session. The page does not keep them.
 * @param name    public key, or client id
 * @param secret  private key, or client secret
 * @throws ApiProblem WRONG_SIGN_IN, TOO_MANY_FAILED_ATTEMPTS, and refusals of the address
 */
export async function signIn(name: string, secret: string): Promise<void> {
  const bytes = new TextEncoder().encode(`${encodeURIComponent(name)}:${encodeURIComponent(secret)}`);
  const authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  keep(await send<ShownSession>('POST', PATH, { headers: { authorization } }));
  hasEnded.value = false;
}

/**
 * Signs in by the link in the address, if it is one, and removes it from the address.
 * @throws ApiProblem SIGN_IN_LINK_SPENT, TOO_MANY_FAILED_ATTEMPTS, and refusals of the address
 */
export async function signInByLink(): Promise<void> {
  const [, token] = LINK.exec(location.hash) ?? [];
  if (token === undefined) return;
  location.replace('#/');
  keep(await send<ShownSession>('POST', PATH, { headers: { authorization: `Linkspan-Link ${token}` } }));
}

/** Ends the session on the server. */
export async function signOut(): Promise<void> {
  await send('DELETE', PATH);
  session.value = null;
  hasEnded.value = false;
}

/** Notices a refusal that says that the session has ended; returns other problems for the caller to show. */
export function unlessSessionEnded(error: unknown): unknown {
  if (!(error instanceof ApiProblem) || error.code !== 'SESSION_ENDED') return error;
  hasEnded.value = session.value !== null;
  session.value = null;
  return undefined;
}

type Role = SignedIn['roles'][number];

/** Whether the session has one of these roles in its organization; an owner has all of them. */
export function holds(...names: readonly Role['roleName'][]): boolean {
  return signedIn()?.roles.some(({ roleName }) => roleName === 'ORG_OWNER' || names.includes(roleName)) ?? false;
}

/** Whether the session has a role in a project; an owner of the project or of the organization has all of them. */
export function holdsIn(groupId: string, name: Role['roleName']): boolean {
  const grants = (role: Role) =>
    'groupId' in role && role.groupId === groupId && (role.roleName === 'GROUP_OWNER' || role.roleName === name);
  return holds() || (signedIn()?.roles.some(grants) ?? false);
}

/** Whether the session owns the organization, or at least one of its projects. */
export function ownsSomeProject(): boolean {
  return holds() || (signedIn()?.roles.some(({ roleName }) => roleName === 'GROUP_OWNER') ?? false);
}

/** Whether the session may change migrations. The server decides; this only hides actions that it would refuse. */
export function mayAct(): boolean {
  return holds();
}

/** The organization of the session; empty while no one is signed in. */
export function organizationId(): string {
  return signedIn()?.orgId ?? '';
}

function signedIn(): SignedIn | undefined {
  const { value } = session;
  return value === null || value === 'unknown' ? undefined : value;
}

function keep(shown: ShownSession): void {
  session.value = shown.signedIn ? shown : null;
}
