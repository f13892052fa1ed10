import type { LiveMigration } from '../../atlas-api/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { codeOfProblem } from '../command-line/outcome.ts';
import { catchSignals } from '../command-line/signals.ts';
import { tell } from '../terminal/index.ts';
import type { Values } from './command.ts';
import { lookAgain } from './look-again.ts';
import { hasEnded } from './shown-migration.ts';

/** The longest time that a timer takes: three weeks and more. */
const LONGEST_SECONDS = 2_147_483;

/** The states of a migration that a command can wait for. */
export const MOMENTS = ['ready', 'complete'] as const;

/**
 * Waits until a migration is ready for a cutover, or complete. Sets the exit code: `failed` when it ended otherwise, `stoppedCanBeResumed` when the
 * time is up, and those of a complete migration with a problem and of a signal.
 * @param look  fetches the migration
 * @returns the last answer
 */
export async function waitForMigration(look: () => Promise<unknown>, { until, timeout }: Values, first: unknown) {
  return await waitUntil(look as () => Promise<LiveMigration>, Number(timeout), first as LiveMigration, (migration) => {
    if (until === 'ready' && migration.readyForCutover) return exitCode.done;
    if (!hasEnded(migration)) return undefined;
    const [problem] = migration.linkspan.problems;
    if (migration.status !== 'COMPLETE') {
      tell('linkspan', migration.errorMessage ?? migration.status, 'error');
      return exitCode.failed;
    }
    return problem === undefined ? exitCode.done : codeOfProblem(problem);
  });
}

/** Waits until a validation has ended. As {@link waitForMigration}. */
export async function waitForValidation(look: () => Promise<unknown>, { timeout }: Values, first: unknown) {
  type Validation = { readonly status: string };
  return await waitUntil(look as () => Promise<Validation>, Number(timeout), first as Validation, ({ status }) => {
    if (status === 'PENDING') return undefined;
    return status === 'SUCCESS' ? exitCode.done : exitCode.failed;
  });
}

/** @param endOf  the exit code for a record at which the wait ends */
async function waitUntil<Found>(
  look: () => Promise<Found>,
  timeoutSeconds: number,
  first: Found,
  endOf: (found: Found) => number | undefined,
): Promise<Found> {
  using signals = catchSignals();
  const isOver = AbortSignal.timeout(Math.min(timeoutSeconds, LONGEST_SECONDS) * 1_000);
  let last = first;
  for await (const found of lookAgain(look, AbortSignal.any([signals.signal, isOver]))) {
    last = found;
    const end = endOf(found);
    if (end === undefined) continue;
    process.exitCode = end;
    return last;
  }
  process.exitCode = signals.received() === 'SIGINT' ? exitCode.interrupted : exitCode.stoppedCanBeResumed;
  if (signals.received() === undefined) tell('linkspan', `the time is up after ${timeoutSeconds} s`, 'warning');
  return last;
}
