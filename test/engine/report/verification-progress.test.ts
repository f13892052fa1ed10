import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { type VerificationView, verificationProgress } from '../../../src/engine/report/verification-progress.ts';

const VIEW: VerificationView = {
  mode: 'REPAIR',
  isSettled: false,
  ranges: [],
  collectionsDone: 0,
  rechecks: { size: 0 },
  mismatches: { found: 0, open: 0, latest: [] },
  catalog: { differences: undefined },
  external: { count: 0, isBlind: false, warnings: [] },
};

/** The time left of a verification of 1,000 bytes, at 2 bytes per second. */
function etaWith(bytes: number, isSettled = false): number | null {
  const collections = [{ bytes: 1_000, documents: 10, isCapped: false } as TrackedCollection];
  const rates = { documentsPerSecond: 1, bytesPerSecond: 2 };
  const rest = { collections, documentsRechecked: 0, provenAt: undefined, cappedUncertain: [], rates };
  return verificationProgress('REPAIR', { ...VIEW, isSettled, ranges: [{ documents: 1, bytes }] }, rest).etaSeconds;
}

test('estimates no time from the first small collections, nor after the end', () => {
  assert.equal(etaWith(9), null);
  assert.equal(etaWith(10), 495);
  assert.equal(etaWith(600), 200);
  assert.equal(etaWith(600, true), null);
});
