import { messageOf, redact, UserError } from '../platform/index.ts';

/** What a user reads of an error: what was wrong, what to do, the code to look up; never a secret, never a stack. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) return `${redact(error.message)} ${error.remedy} [${error.code}]`;
  return `Unexpected error: ${redact(messageOf(error))}`;
}
