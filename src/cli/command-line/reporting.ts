import type { Command } from 'commander';
import { UserError } from '../../platform/index.ts';
import type { OutputFormat } from '../progress/index.ts';
import { type CheckLevel, writeCheck } from '../terminal/index.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { endOf, writeResult } from './outcome.ts';
import { outputOption } from './output-option.ts';

/** The end of a command's work. */
interface Report {
  /** The default is 0. */
  readonly code?: ExitCode;
  /** Why the code isn't 0, if it isn't for a check. */
  readonly error?: UserError;
  /** Fields of the result for programs. */
  readonly facts?: object;
  /** Text for people, on stdout. */
  readonly text?: string;
}

/** Reports one of a command's checks: to people at once, to programs with the result. */
export type ReportCheck = (level: CheckLevel, subject: string, message: string) => void;

/**
 * Gives a command `--output` and its action. With `json`, stdout has only its result (docs/reference/interfaces.md), also when it throws.
 * @param work  gets the flags, also those of the command that this one belongs to, and the arguments
 */
export function reporting<Flags>(
  command: Command,
  work: (
    flags: Flags & { readonly output: OutputFormat },
    check: ReportCheck,
    given: readonly string[],
  ) => Promise<Report> | Report,
): Command {
  return command.addOption(outputOption()).action(async (...all: unknown[]) => {
    const self = all.at(-1) as Command;
    const flags = self.optsWithGlobals<Flags & { readonly output: OutputFormat }>();
    const isText = flags.output === 'text';
    const checks: { readonly level: CheckLevel; readonly subject: string; readonly message: string }[] = [];
    const check: ReportCheck = (level, subject, message) => {
      checks.push({ level, subject, message });
      if (isText) writeCheck(level, subject, message);
    };
    try {
      const { code = exitCode.done, error, facts, text = '' } = await work(flags, check, self.args);
      const failed = checks.filter(({ level }) => level === 'failed').map(({ subject }) => subject);
      const why = error ?? (failed.length === 0 ? undefined : new UserError('CHECKS_FAILED', [failed.join(', ')]));
      const more = { ...(checks.length > 0 && { checks }), ...facts };
      if (isText) process.stdout.write(text);
      else writeResult({ code, ...(why && { error: why }) }, process.stdout, more);
      process.exitCode = code;
    } catch (error) {
      if (!isText) writeResult(endOf(error), process.stdout);
      throw error;
    }
  });
}
