import { notYetRunning, type Progress } from '../engine/index.ts';
import { messageOf, redact, UserError } from '../platform/index.ts';

/** What is shown of an error to whoever asks the control plane. */
export function shownError(error: unknown): NonNullable<Progress['error']> {
  if (error instanceof UserError) return { code: error.code, message: redact(error.message), remedy: error.remedy };
  return { code: 'UNEXPECTED_ERROR', message: redact(messageOf(error)), remedy: "See the agent's log." };
}

/** The progress of a migration that could not even be begun. */
export function neverBegun(migrationId: string, error: unknown): Progress {
  return { ...notYetRunning({ migrationId }), state: 'failed', notReadyReasons: [], error: shownError(error) };
}
