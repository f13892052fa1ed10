import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeDisk } from '../../../src/engine/preflight/checks/disk.ts';
import { NOTHING } from './nothing.ts';

test('a disk is too small for less than the source stores, and tight below twice the documents', () => {
  const codes = (freeBytes: number, drops: boolean) =>
    judgeDisk(
      { ...NOTHING, bytes: 100, storedBytes: 60 },
      { totalBytes: 1_000, freeBytes, takenBytes: 150 },
      drops,
    ).map(({ error }) => error.code);
  assert.deepEqual([codes(59, false), codes(60, false), codes(200, false)], [['DISK_TOO_SMALL'], ['DISK_TIGHT'], []]);
  assert.deepEqual([codes(0, true), codes(50, true)], [['DISK_TIGHT'], []], 'what is dropped makes room');
});
