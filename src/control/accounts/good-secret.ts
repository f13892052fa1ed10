import type { ServiceAccountSecret } from '../records/records.ts';

/** Whether a secret has not expired. */
export function isGoodSecret({ expiresAtMs }: ServiceAccountSecret, nowMs: number): boolean {
  return expiresAtMs === null || nowMs < expiresAtMs;
}
