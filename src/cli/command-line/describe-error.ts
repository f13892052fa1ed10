import { messageOf, redact, UserError } from '../../platform/index.ts';
import { remedyOfUsage } from './usage.ts';

/** What a user reads of an error: what was wrong, what to do, the code to look up; never a secret, never a stack. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) return `${redact(error.message)} ${remedyOf(error)} [${error.code}]`;
  return `Unexpected error: ${redact(messageOf(error))}`;
}

/** An error in the last object of `--output json`. */
export interface ErrorData {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** The same as {@link describeError}, for programs. */
export function errorData(error: unknown): ErrorData {
  const known = error instanceof UserError ? error : new UserError('INTERNAL_ERROR', [messageOf(error)]);
  return { code: known.code, message: redact(known.message), remedy: remedyOf(known) };
}

function remedyOf({ code, remedy }: UserError): string {
  return code === 'USAGE' ? remedyOfUsage() : remedy;
}
