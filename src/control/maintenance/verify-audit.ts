import { setImmediate as turn } from 'node:timers/promises';
import { hashOf } from '../audit/audit.ts';
import { AuditMacCheck } from '../audit/audit-macs.ts';
import { auditRecordsAfter } from '../records/queries.ts';
import type { AuditRecord } from '../records/records.ts';
import type { Sealer } from '../records/sealer.ts';
import type { StoreReader } from '../records/store-port.ts';

/** The end of an audit chain. An operator may store it elsewhere, to compare a later chain with it. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
  /** Absent in a note with only the hash, and before the first record. */
  readonly mac?: string | null;
  readonly createdAtMs?: number;
}

/** A broken record of a chain. */
export interface AuditBreak {
  readonly sequence: number;
  readonly problem: string;
}

type Outcome = ({ readonly head: AuditHead } | { readonly broken: AuditBreak }) & {
  /** The records that were verified, by organization. */
  readonly counts: ReadonlyMap<string, number>;
};

/** Records that are verified in one turn of the event loop, some 2 ms. */
const BATCH = 200;

/** Optional checks in addition to the hashes of a chain. */
export interface AuditCheck {
  /** When given, the MACs are checked, too. */
  readonly sealer?: Sealer;
  /** An earlier head of this chain. Without it, the check can't notice records that were cut off at the end. */
  readonly noted?: AuditHead;
}

/**
 * Checks the hash, the predecessor and the MAC of every record.
 * @returns the chain's head; or the first problem, with what was verified before it
 */
export async function verifyAudit(store: StoreReader, { sealer, noted }: AuditCheck = {}): Promise<Outcome> {
  const macs = sealer && new AuditMacCheck(store, sealer);
  const counts = new Map<string, number>();
  let head: AuditHead = { sequence: 0, hash: '' };
  for (;;) {
    const records = await auditRecordsAfter(store, head.sequence, BATCH);
    for (const record of records) {
      const { sequence, hash, mac, createdAtMs } = record;
      const problem = problemOf(record, head) ?? (await macs?.problemOf(record));
      if (problem !== undefined) return { broken: { sequence, problem }, counts };
      head = { sequence, hash, mac, createdAtMs };
      if (noted && !isAsNoted(head, noted))
        return { broken: { sequence, problem: 'it differs from the noted record' }, counts };
      counts.set(record.orgId, (counts.get(record.orgId) ?? 0) + 1);
    }
    if (records.length < BATCH) break;
    // rule: verification-in-turns
    await turn();
  }
  const problem = macs?.problemOfEnd();
  if (problem !== undefined) return { broken: { sequence: head.sequence, problem }, counts };
  if (noted && head.sequence < noted.sequence) {
    const problem = `the records up to ${noted.sequence} were cut off`;
    return { broken: { sequence: head.sequence + 1, problem }, counts };
  }
  return { head, counts };
}

function problemOf({ hash, keyId: _keyId, mac: _mac, ...content }: AuditRecord, before: AuditHead): string | undefined {
  if (content.sequence !== before.sequence + 1) return `records are missing, starting with ${before.sequence + 1}`;
  if (content.previousHash !== before.hash) return 'it does not follow the record before it';
  return hash === hashOf(content) ? undefined : 'it was altered';
}

function isAsNoted({ sequence, hash, mac }: AuditHead, noted: AuditHead): boolean {
  if (sequence !== noted.sequence) return true;
  return hash === noted.hash && (noted.mac === undefined || noted.mac === mac);
}
