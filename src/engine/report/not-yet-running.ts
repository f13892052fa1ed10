import type { Progress } from '../../contract/index.ts';
import type { MigrationOptions } from '../scope/options.ts';
import { gatesBeforeRun } from './gate.ts';
import { verificationProgress } from './verification-progress.ts';

/**
 * Returns the progress of a migration that this process hasn't begun to run. In a file that loads neither the driver nor the engine: commands
 * that show a migration of a control plane need it.
 */
export function notYetRunning({
  migrationId,
  verification = 'REPAIR',
}: Pick<MigrationOptions, 'migrationId' | 'verification'>): Progress {
  return {
    migrationId,
    state: 'CREATED',
    since: null,
    phases: [],
    copy: {
      collectionsTotal: 0,
      collectionsDone: 0,
      collectionsQuarantined: 0,
      documentsTotal: 0,
      documentsCopied: 0,
      bytesTotal: 0,
      bytesCopied: 0,
      partitionsTotal: 0,
      partitionsDone: 0,
      restarts: 0,
    },
    indexes: { total: 0, built: 0, building: null },
    rates: { bytesPerSecond: null, documentsPerSecond: null, changesPerSecond: null },
    etaSeconds: null,
    changes: { read: 0, applied: 0, duringCopy: 0, queued: 0 },
    lagSeconds: null,
    oplog: null,
    verification: verificationProgress(verification),
    repairs: null,
    readiness: gatesBeforeRun(),
    readyForCutover: false,
    notReadyReasons: ['it is not running'],
    canWrite: false,
    cutoverAttempts: [],
    pingMs: { source: null, destination: null },
    addresses: { source: '', destination: '' },
    warnings: [],
    findings: [],
    waiting: [],
  };
}
