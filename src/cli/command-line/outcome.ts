import type { ErrorData } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import type { TextSink } from '../progress/renderer.ts';
import { errorData } from './describe-error.ts';
import { type ExitCode, exitCode } from './exit-code.ts';

/** Outcome of a command, as the last object of `--output json` has it (docs/reference/interfaces.md). */
interface Outcome {
  readonly outcome: 'DONE' | 'REFUSED' | 'FAILED' | 'STOPPED';
  /** Null unless the outcome is `REFUSED` or `FAILED`. */
  readonly error: ErrorData | null;
}

/** The exit code of a command, and the error that ended it. */
export interface End {
  readonly code: ExitCode;
  readonly error?: unknown;
  /** The worst problem since the cutover of a complete migration. */
  readonly problem?: ErrorData;
}

const OUTCOMES = {
  [exitCode.done]: 'DONE',
  [exitCode.failed]: 'FAILED',
  [exitCode.usageOrPrecondition]: 'REFUSED',
  [exitCode.differences]: 'FAILED',
  [exitCode.stoppedCanBeResumed]: 'STOPPED',
  [exitCode.interrupted]: 'STOPPED',
} as const;

/** The default end of a command that throws `error`. */
export function endOf(error: unknown): End {
  return { code: error instanceof UserError ? exitCode.usageOrPrecondition : exitCode.failed, error };
}

/** Returns the exit code of a command whose work ended with an error. */
export function codeOfFailure(error: unknown): ExitCode {
  return error instanceof UserError && error.code === 'VERIFICATION_FAILED' ? exitCode.differences : exitCode.failed;
}

/** Returns the exit code for the worst problem since a cutover. */
export function codeOfProblem({ code }: ErrorData): ExitCode {
  // One side has data that the other one lacks.
  const isDifference = code === 'VERIFICATION_FAILED' || code === 'SOURCE_WRITTEN_AFTER_COMMIT';
  return isDifference ? exitCode.differences : exitCode.failed;
}

/** Converts the end of a command to data for programs. */
export function outcomeOf({ code, error, problem }: End): Outcome {
  return { outcome: OUTCOMES[code], error: error === undefined ? (problem ?? null) : errorData(error) };
}

/** Writes the last object of `--output json`. @param more  further fields of the command */
export function writeResult(end: End, sink: TextSink, more: object = {}): void {
  sink.write(`${JSON.stringify({ type: 'result', ...outcomeOf(end), ...more })}\n`);
}
