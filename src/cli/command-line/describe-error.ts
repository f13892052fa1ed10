import type { ErrorData } from '../../contract/index.ts';
import { knownError, redact, UserError } from '../../platform/index.ts';
import { remedyOfUsage } from './usage.ts';

/** Describes an error for users: problem, remedy and error code. Never contains a secret or a stack trace. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) return `${redact(error.message)} ${remedyOf(error)} [${error.code}]`;
  const [shown = ''] = knownError(error).parameters;
  return `Unexpected error: ${redact(shown)}`;
}

/** Describes an error for programs, like {@link describeError} for users. */
export function errorData(error: unknown): ErrorData {
  const known = knownError(error);
  if (known.code === 'API_REFUSED') return ofServer(known);
  return { code: known.code, message: redact(known.message), remedy: remedyOf(known) };
}

/** A server's refusal, as the server said it. */
function ofServer({ parameters: [said = '', code = '', remedy = ''] }: UserError): ErrorData {
  return { code, message: redact(`${said}.`), remedy: redact(remedy.trim()) };
}

function remedyOf({ code, remedy }: UserError): string {
  return code === 'USAGE' ? remedyOfUsage() : remedy;
}
