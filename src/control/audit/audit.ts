import { hash } from 'node:crypto';
import { newId } from '../../platform/index.ts';
import type { Actor } from '../records/actor.ts';
import { lastAuditRecord } from '../records/queries.ts';
import type { AuditRecord } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/** The content of an audit record about a change. */
export interface Audited {
  readonly eventTypeName: string;
  readonly orgId: string;
  readonly groupId?: string;
  readonly details?: AuditRecord['details'];
}

/** The content of an audit record about a migration that is known from the context. */
export type Announcement = Pick<Audited, 'eventTypeName' | 'details'>;

/** The author of a change: an API client, an agent, or the server itself. */
export type Author =
  | Actor
  | { readonly kind: AuditRecord['actorKind']; readonly name: string; readonly remoteAddress: string | null };

export const SYSTEM: Author = { kind: 'SYSTEM', name: 'linkspan', remoteAddress: null };

/** Appends an audit record in the transaction of the change, so that both commit or neither does. */
export async function audit(
  transaction: StoreTransaction,
  author: Author,
  atMs: number,
  { eventTypeName, orgId, groupId, details }: Audited,
): Promise<void> {
  const last = await lastAuditRecord(transaction);
  const content = {
    id: newId(atMs),
    sequence: (last?.sequence ?? 0) + 1,
    createdAtMs: atMs,
    orgId,
    groupId: groupId ?? null,
    eventTypeName,
    actorKind: author.kind,
    actorName: author.name,
    remoteAddress: author.remoteAddress,
    details: details ?? {},
    previousHash: last?.hash ?? '',
  };
  // withAuditMacs adds the MAC.
  await transaction.appendAuditRecord({ ...content, hash: hashOf(content), keyId: null, mac: null });
}

/** SHA-256 over a record and the hash of the record before it, hexadecimal. */
export function hashOf(content: Omit<AuditRecord, 'hash' | 'keyId' | 'mac'>): string {
  const { id, sequence, createdAtMs, orgId, groupId, eventTypeName } = content;
  const { actorKind, actorName, remoteAddress, details, previousHash } = content;
  const fields = [id, sequence, createdAtMs, orgId, groupId, eventTypeName, actorKind, actorName, remoteAddress];
  return hash('sha256', JSON.stringify([...fields, details, previousHash]));
}
