import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AuditFilter,
  type AuditRecord,
  auditRecordsAfter,
  countAuditRecords,
  findAuditRecords,
  lastAuditRecord,
} from '../../src/control/index.ts';
import type { StoreUnderTest } from './conformance.ts';

const ORG = 'a'.repeat(24);
const GROUP = 'b'.repeat(24);

/** The part of the contract of the store's port that is about audit records, run against an adapter. */
export function testAuditConformance(name: string, create: () => Promise<StoreUnderTest & AsyncDisposable>): void {
  test(`${name}: audit records are found by their subject, newest first`, async () => {
    await using under = await create();
    await using store = await under.open();
    const record = (sequence: number, changes: Partial<AuditRecord> = {}): AuditRecord => ({
      id: String(sequence).padStart(24, '0'),
      sequence,
      createdAtMs: sequence,
      orgId: ORG,
      groupId: null,
      eventTypeName: 'A',
      actorKind: 'API_KEY',
      actorName: 'abcdefgh',
      remoteAddress: '192.0.2.1',
      details: { list: ['a'], flag: true },
      previousHash: '',
      hash: `hash ${sequence}`,
      keyId: null,
      mac: `mac ${sequence}`,
      ...changes,
    });
    const records = [
      record(1),
      record(2, { groupId: GROUP }),
      record(3, { eventTypeName: 'B', actorName: 'other' }),
      record(4, { orgId: 'x' }),
    ];
    await store.write(async (transaction) => {
      assert.equal(await lastAuditRecord(transaction), undefined);
      for (const each of records) await transaction.appendAuditRecord(each);
      assert.deepEqual(await lastAuditRecord(transaction), records[3]);
    });
    const sequences = async (filter: AuditFilter, skip: number, limit: number) =>
      (await findAuditRecords(store, filter, { skip, limit })).map(({ sequence }) => sequence);
    assert.deepEqual(await sequences({ orgId: ORG }, 0, 2), [3, 2]);
    assert.deepEqual(await sequences({ orgId: ORG }, 2, 2), [1]);
    assert.deepEqual(await sequences({ orgId: ORG, groupId: GROUP }, 0, 9), [2]);
    assert.deepEqual(await sequences({ orgId: ORG, eventTypeNames: ['B', 'C'] }, 0, 9), [3]);
    assert.deepEqual(await sequences({ orgId: ORG, actorName: 'other' }, 0, 9), [3]);
    assert.deepEqual(await sequences({ orgId: ORG, fromMs: 2, untilMs: 3 }, 0, 9), [3, 2]);
    assert.deepEqual(await sequences({ orgId: ORG, actorName: 'other', untilMs: 2 }, 0, 9), []);
    assert.equal(await countAuditRecords(store, { orgId: ORG, eventTypeNames: ['A'] }), 2);
    const about = async (details: readonly string[], id?: string) =>
      sequences({ orgId: 'about', target: { details, ...(id !== undefined && { id }) } }, 0, 9);
    const detailed: AuditRecord['details'][] = [
      { one: 'x', other: 'y' },
      { many: ['w', 'x'] },
      { one: 'xx', other: 'x' },
      { 'o"ne': 'x', quoted: 'say "x"' },
      {},
    ];
    await store.write(async (transaction) => {
      for (const [nth, details] of detailed.entries())
        await transaction.appendAuditRecord(record(5 + nth, { orgId: 'about', details }));
    });
    assert.deepEqual(await about(['one', 'many']), [7, 6, 5]);
    assert.deepEqual(await about(['one', 'many'], 'x'), [6, 5]);
    assert.deepEqual(await about(['one'], 'x'), [5]);
    assert.deepEqual(await about(['quoted'], 'say "x"'), [8]);
    assert.deepEqual(await about(['one'], 'X'), []);
    assert.deepEqual(await about(['one'], ''), []);
    assert.deepEqual(await about(['one'], '%'), []);
    assert.equal(await countAuditRecords(store, { orgId: 'about', target: { details: ['one', 'many'], id: 'x' } }), 2);
    assert.deepEqual(await auditRecordsAfter(store, 2, 1), [records[2]]);
    assert.deepEqual(await store.get('auditRecords', records[0]?.id ?? ''), records[0]);
    await assert.rejects(store.write((transaction) => transaction.appendAuditRecord(record(4))));
  });
}
