import { createHash } from 'node:crypto';
import { newId } from '../platform/index.ts';
import type { Actor } from './actor.ts';
import type { AuditRecord } from './records.ts';
import type { StoreReader, StoreTransaction } from './store-port.ts';

/** What is recorded of a change. */
export interface Audited {
  readonly eventTypeName: string;
  readonly orgId: string;
  readonly groupId?: string;
  readonly details?: AuditRecord['details'];
}

/** Who changes something: somebody who asked, an agent, or the server by itself. */
export type Author =
  | Actor
  | { readonly kind: AuditRecord['actorKind']; readonly name: string; readonly remoteAddress: string | null };

export const SYSTEM: Author = { kind: 'system', name: 'linkspan', remoteAddress: null };

/** Records a change in the transaction that makes it: neither is there without the other. */
export async function audit(
  transaction: StoreTransaction,
  author: Author,
  atMs: number,
  { eventTypeName, orgId, groupId, details }: Audited,
): Promise<void> {
  const last = await transaction.lastAuditRecord();
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
  await transaction.appendAuditRecord({ ...content, hash: hashOf(content) });
}

/** Where a chain ends: what an operator may note elsewhere, to hold a later chain against it. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
}

/** What is wrong with a chain. */
export interface AuditBreak {
  readonly sequence: number;
  readonly problem: string;
}

const BATCH = 1000;

/**
 * Checks every record against its own hash and the one before.
 * @param noted  a head of this chain that was noted earlier; without it, records that were cut off at the end are not missed
 * @returns the chain's head, or the first thing that is wrong
 */
export async function verifyAudit(
  store: StoreReader,
  noted?: AuditHead,
): Promise<{ readonly head: AuditHead } | { readonly broken: AuditBreak }> {
  let head: AuditHead = { sequence: 0, hash: '' };
  for (;;) {
    const records = await store.auditRecordsAfter(head.sequence, BATCH);
    for (const { hash, ...content } of records) {
      const { sequence, previousHash } = content;
      const broken = (problem: string) => ({ broken: { sequence, problem } });
      if (sequence !== head.sequence + 1) return broken(`the records from ${head.sequence + 1} on are missing`);
      if (previousHash !== head.hash) return broken('it does not follow the record before it');
      if (hash !== hashOf(content)) return broken('it was altered');
      if (sequence === noted?.sequence && hash !== noted.hash) return broken('it is not the one that was noted');
      head = { sequence, hash };
    }
    if (records.length < BATCH) break;
  }
  if (noted && head.sequence < noted.sequence) {
    return { broken: { sequence: head.sequence + 1, problem: `the records up to ${noted.sequence} were cut off` } };
  }
  return { head };
}

function hashOf(content: Omit<AuditRecord, 'hash'>): string {
  const { id, sequence, createdAtMs, orgId, groupId, eventTypeName } = content;
  const { actorKind, actorName, remoteAddress, details, previousHash } = content;
  const fields = [id, sequence, createdAtMs, orgId, groupId, eventTypeName, actorKind, actorName, remoteAddress];
  return createHash('sha256')
    .update(JSON.stringify([...fields, details, previousHash]))
    .digest('hex');
}
