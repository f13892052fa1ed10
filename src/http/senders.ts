import type { FastifyRequest } from 'fastify';
import { addressGroup, type Holder, Shares } from '../platform/index.ts';

const MEBIBYTE = 1024 * 1024;

/** The clients whose unfinished bodies share one memory: unauthenticated ones, those of the API, and agents. */
export type Pool = 'strangers' | 'clients' | 'agents';

/** The sender of a request, as far as it is authenticated, and the memory that its body may take. */
export interface Sender {
  readonly pool: Pool;
  readonly holder: Holder;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by each authentication, before the body is read; null for a stranger. */
    authenticated: Sender | null;
  }
}

/**
 * Memory for unfinished bodies. The body of an unauthenticated client is a redemption of a link-token, at most 8 KiB.
 * Agents have their own, so that no client of the API keeps them from reporting.
 */
export function bodyShares(): Readonly<Record<Pool, Shares>> {
  return {
    strangers: new Shares({ total: 16 * MEBIBYTE, each: { address: MEBIBYTE } }),
    clients: new Shares({ total: 32 * MEBIBYTE, each: { organization: 8 * MEBIBYTE, account: 4 * MEBIBYTE } }),
    agents: new Shares({ total: 48 * MEBIBYTE, each: { organization: 24 * MEBIBYTE, account: 3 * MEBIBYTE } }),
  };
}

/** Returns the sender of a request: a stranger is known by its address alone. */
export function senderOf({ authenticated, ip }: FastifyRequest): Sender {
  return authenticated ?? { pool: 'strangers', holder: { address: addressGroup(ip) } };
}
