import { createHash } from 'node:crypto';
import { UserError } from '../../platform/index.ts';
import type { Migration } from '../records/records.ts';
import { findOne, type StoreReader } from '../records/store-port.ts';
import type { OrderRequest } from './migration-order.ts';

/**
 * Returns what a migration keeps of the request that created it, so that a repeated request creates no second one. The source's
 * password is left out.
 * @param key  the request's Idempotency-Key; null without one
 */
export function idempotencyOf(key: string | null, { source, ...request }: OrderRequest): Migration['idempotency'] {
  if (key === null) return null;
  const { password: _, ...withoutPassword } = source;
  const text = JSON.stringify([withoutPassword, request]);
  return { key, requestHash: createHash('sha256').update(text).digest('hex') };
}

/**
 * Finds the migration that an earlier request with the same Idempotency-Key created in the project.
 * @throws UserError IDEMPOTENCY_KEY_REUSED when that request asked for something else
 */
export async function createdBefore(
  store: StoreReader,
  groupId: string,
  idempotency: Migration['idempotency'],
): Promise<Migration | undefined> {
  if (idempotency === null) return undefined;
  const before = await findOne(store, 'migrations', { groupId, idempotencyKey: idempotency.key });
  if (before !== undefined && before.idempotency?.requestHash !== idempotency.requestHash)
    throw new UserError('IDEMPOTENCY_KEY_REUSED', [idempotency.key, before.id]);
  return before;
}
