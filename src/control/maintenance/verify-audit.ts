import { hashOf } from '../audit/audit.ts';
import { AuditMacCheck } from '../audit/audit-macs.ts';
import type { AuditRecord } from '../records/records.ts';
import type { Sealer } from '../records/sealer.ts';
import type { StoreReader } from '../records/store-port.ts';

/** Where a chain ends: what an operator may note elsewhere, to hold a later chain against it. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
  /** Absent in a note that has only the hash, and of records of older versions. */
  readonly mac?: string | null;
  readonly createdAtMs?: number;
}

/** A fault of a chain. */
export interface AuditBreak {
  readonly sequence: number;
  readonly problem: string;
}

const BATCH = 1000;

/** Things that a chain is compared with, besides its own hashes. */
export interface AuditCheck {
  /** Checks the MACs, too. */
  readonly sealer?: Sealer;
  /** A head of this chain that was noted earlier; without it, records that were cut off at the end are not missed. */
  readonly noted?: AuditHead;
}

/**
 * Checks every record against its own hash, the one before, and its MAC.
 * @returns the chain's head, and, where MACs are checked, how many records at its beginning have none, as they are of an older version; or the first thing that is wrong
 */
export async function verifyAudit(
  store: StoreReader,
  { sealer, noted }: AuditCheck = {},
): Promise<{ readonly head: AuditHead; readonly withoutMac?: number } | { readonly broken: AuditBreak }> {
  const macs = sealer && new AuditMacCheck(store, sealer);
  let head: AuditHead = { sequence: 0, hash: '' };
  for (;;) {
    const records = await store.auditRecordsAfter(head.sequence, BATCH);
    for (const record of records) {
      const { sequence, hash, mac, createdAtMs } = record;
      const problem = problemOf(record, head) ?? (await macs?.problemOf(record));
      if (problem !== undefined) return { broken: { sequence, problem } };
      head = { sequence, hash, mac, createdAtMs };
      if (noted && !isAsNoted(head, noted))
        return { broken: { sequence, problem: 'it is not the one that was noted' } };
    }
    if (records.length < BATCH) break;
  }
  const problem = macs?.problemOfEnd();
  if (problem !== undefined) return { broken: { sequence: head.sequence, problem } };
  if (noted && head.sequence < noted.sequence) {
    return { broken: { sequence: head.sequence + 1, problem: `the records up to ${noted.sequence} were cut off` } };
  }
  return { head, withoutMac: macs?.withoutMac };
}

function problemOf({ hash, keyId: _keyId, mac: _mac, ...content }: AuditRecord, before: AuditHead): string | undefined {
  if (content.sequence !== before.sequence + 1) return `the records from ${before.sequence + 1} on are missing`;
  if (content.previousHash !== before.hash) return 'it does not follow the record before it';
  return hash === hashOf(content) ? undefined : 'it was altered';
}

function isAsNoted({ sequence, hash, mac }: AuditHead, noted: AuditHead): boolean {
  if (sequence !== noted.sequence) return true;
  return hash === noted.hash && (noted.mac === undefined || noted.mac === mac);
}
