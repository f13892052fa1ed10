import { type ProgressView, viewOf } from '../../../src/cli/progress/index.ts';
import { dateOf, type Progress, stageOfRun } from '../../../src/contract/index.ts';
import { verificationProgress } from '../../../src/engine/report/verification-progress.ts';

/** Progress in the middle of the copy, with the fields that a test overrides. */
export function snapshot(changed: Partial<Progress> = {}): Progress {
  return {
    migrationId: '0123456789abcdef01234567',
    state: 'COPYING',
    since: dateOf(1_000),
    phases: [{ name: 'PREPARING', startedAt: dateOf(0), endedAt: dateOf(1_000) }],
    copy: {
      collectionsTotal: 3,
      collectionsDone: 1,
      collectionsQuarantined: 0,
      documentsTotal: 2_000,
      documentsCopied: 1_000,
      bytesTotal: 4_000_000,
      bytesCopied: 1_000_000,
      partitionsTotal: 4,
      partitionsDone: 1,
      restarts: 0,
    },
    indexes: { total: 4, built: 0, building: null },
    rates: { bytesPerSecond: null, documentsPerSecond: null, changesPerSecond: null },
    etaSeconds: null,
    changes: { read: 10, applied: 5, duringCopy: 2, queued: 7 },
    lagSeconds: 3,
    oplog: null,
    verification: verificationProgress('REPAIR'),
    repairs: null,
    readiness: [],
    readyForCutover: false,
    notReadyReasons: ['the initial sync is not done'],
    canWrite: false,
    cutoverAttempts: [],
    pingMs: { source: 1, destination: 2 },
    addresses: { source: 'a:27017', destination: 'b:27017' },
    warnings: [],
    findings: [],
    waiting: [],
    ...changed,
  };
}

/** A verification that compares, with the fields that a test overrides. */
export function comparing(changed: Partial<Progress['verification']> = {}): Progress['verification'] {
  return {
    ...verificationProgress('REPAIR'),
    phase: 'COMPARING',
    seesExternalWrites: true,
    collectionsTotal: 3,
    collectionsDone: 1,
    documentsTotal: 2_000,
    documentsCompared: 500,
    bytesTotal: 4_000_000,
    bytesCompared: 1_000_000,
    ...changed,
  };
}

/** A verification that has compared everything, and found nothing. */
export function verified(changed: Partial<Progress['verification']> = {}): Progress['verification'] {
  return comparing({
    phase: 'FOLLOWING',
    collectionsDone: 3,
    documentsCompared: 2_000,
    bytesCompared: 4_000_000,
    documentsRechecked: 130,
    equalAt: dateOf(Date.UTC(2026, 10, 26, 20, 41, 7)),
    catalogDifferences: [],
    catalogDifferencesFound: 0,
    ...changed,
  });
}

/** A document that differs. */
export const mismatch: Progress['verification']['mismatches']['latest'][number] = {
  namespace: 'shop.orders',
  key: '{"$numberInt":"7"}',
  class: 'DIFFERENT',
  path: 'a.b',
  firstSeen: dateOf(0),
  times: 1,
  sourceTime: { t: 1, i: 1 },
  destinationTime: { t: 2, i: 1 },
  external: true,
  open: true,
};

/** Progress with the given number of bytes copied. */
export function copied(bytesCopied: number): Progress {
  return snapshot({ copy: { ...snapshot().copy, bytesCopied } });
}

/** Progress after the copy is complete. */
export function tailing(changed: Partial<Progress> = {}): Progress {
  const { copy } = snapshot();
  return snapshot({
    state: 'FOLLOWING',
    copy: { ...copy, collectionsDone: 3, bytesCopied: copy.bytesTotal, documentsCopied: 2_000 },
    indexes: { total: 4, built: 4, building: null },
    ...changed,
  });
}

/** The view of a migration whose engine runs in this process, as no one steers it. */
export function viewed(progress: Progress, atMs = 0): ProgressView {
  return viewOf(progress, stageOfRun(progress, 'RUNNING', false), atMs);
}
