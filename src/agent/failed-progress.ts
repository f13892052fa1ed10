import type { Progress } from '../contract/index.ts';
import { notYetRunning } from '../engine/index.ts';
import { messageOf, redact, UserError } from '../platform/index.ts';

/** Converts an error to the form that the API shows. */
export function shownError(error: unknown): NonNullable<Progress['error']> {
  if (error instanceof UserError) return { code: error.code, message: redact(error.message), remedy: error.remedy };
  return { code: 'UNEXPECTED_ERROR', message: redact(messageOf(error)), remedy: "See the agent's log." };
}

/** The progress of a migration that failed before it started. */
export function neverBegun(migrationId: string, error: unknown): Progress {
  return { ...notYetRunning({ migrationId }), state: 'FAILED', notReadyReasons: [], error: shownError(error) };
}
