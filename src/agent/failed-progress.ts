import type { Progress } from '../engine/index.ts';
import { messageOf, redact, UserError } from '../platform/index.ts';

/** What is shown of an error to whoever asks the control plane. */
export function shownError(error: unknown): NonNullable<Progress['error']> {
  if (error instanceof UserError) return { code: error.code, message: redact(error.message), remedy: error.remedy };
  return { code: 'UNEXPECTED_ERROR', message: redact(messageOf(error)), remedy: "See the agent's log." };
}

/** The progress of a migration that could not even be begun. */
export function neverBegun(migrationId: string, error: unknown): Progress {
  return {
    migrationId,
    state: 'failed',
    phases: [],
    copy: {
      collectionsTotal: 0,
      collectionsDone: 0,
      documentsTotal: 0,
      documentsCopied: 0,
      bytesTotal: 0,
      bytesCopied: 0,
    },
    indexes: { total: 0, built: 0 },
    changes: { read: 0, applied: 0, duringCopy: 0, queued: 0 },
    lagSeconds: null,
    readyForCutover: false,
    oplog: null,
    repairs: null,
    notReadyReasons: [],
    canWrite: false,
    pingMs: { source: null, destination: null },
    addresses: { source: '', destination: '' },
    warnings: [],
    waiting: [],
    error: shownError(error),
  };
}
