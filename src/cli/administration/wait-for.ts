import type { LiveMigration } from '../../atlas-api/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { codeOfProblem } from '../command-line/outcome.ts';
import { tell } from '../terminal/index.ts';
import type { Look, Values } from './command.ts';
import { lookAgain } from './look-again.ts';
import { hasEnded } from './shown-migration.ts';
import { WaitLimit } from './wait-limit.ts';

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
    return endOfMigration(migration);
  });
}

/**
 * Waits until a requested cutover is complete, however many attempts it takes. As {@link waitForMigration}; an aborted cutover has failed, too.
 * @param look  fetches the migration, or the answer of another operation about it
 * @returns the last answer, with the report of a complete cutover as `cutoverReport`
 */
export async function waitForCutover(look: Look, { timeout, liveMigrationId }: Values): Promise<unknown> {
  const fetched = look as () => Promise<LiveMigration>;
  const last = await waitUntil<LiveMigration | undefined>(fetched, Number(timeout), undefined, (migration) => {
    if (migration === undefined) return undefined;
    if (hasEnded(migration) || migration.linkspan.wanted === 'CUTOVER') return endOfMigration(migration);
    tell('linkspan', `the cutover of migration ${liveMigrationId} was aborted`, 'error');
    return exitCode.failed;
  });
  return last?.status === 'COMPLETE'
    ? { ...last, cutoverReport: await look('getGroupLiveMigrationCutoverReport') }
    : last;
}

/** Returns the exit code of a migration that has ended. Prints why it has failed. */
function endOfMigration(migration: LiveMigration): number | undefined {
  if (!hasEnded(migration)) return undefined;
  const [problem] = migration.linkspan.problems;
  if (migration.status !== 'COMPLETE') {
    tell('linkspan', migration.errorMessage ?? migration.status, 'error');
    return exitCode.failed;
  }
  return problem === undefined ? exitCode.done : codeOfProblem(problem);
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
  using limit = new WaitLimit(timeoutSeconds);
  let last = first;
  for await (const found of lookAgain(look, limit.stop)) {
    last = found;
    const end = endOf(found);
    if (end === undefined) continue;
    process.exitCode = end;
    return last;
  }
  process.exitCode = limit.end();
  return last;
}
