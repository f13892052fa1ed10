import { setTimeout as delay } from 'node:timers/promises';
import type { LiveMigration } from '../../atlas-api/index.ts';
import { UserError } from '../../platform/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { codeOfProblem } from '../command-line/outcome.ts';
import { catchSignals } from '../command-line/signals.ts';
import { chooseRenderer, type OutputFormat, type ProgressView } from '../progress/index.ts';
import { tell } from '../terminal/index.ts';
import { hasEnded, progressViewOf } from './shown-migration.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Shows the progress of a migration as `linkspan sync` does, until it ends. While the server is unreachable, it retries. Sets the exit code to
 * `failed` for a migration that ended without a cutover, and that of a signal.
 * @param look  fetches the migration from the API
 * @returns the last answer; undefined after a signal
 * @throws UserError the errors of {@link ApiClient} other than API_UNREACHABLE
 */
export async function watchMigration(
  look: () => Promise<unknown>,
  format: OutputFormat,
): Promise<LiveMigration | undefined> {
  using signals = catchSignals();
  const { signal } = signals;
  const interrupted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  const renderer = chooseRenderer(format);
  const told = new Set<string>();
  let isAway = false;
  let last: ProgressView | undefined;
  for (;;) {
    try {
      const migration = (await Promise.race([look(), interrupted])) as LiveMigration | undefined;
      if (migration === undefined) {
        if (last) renderer.finish(last);
        process.exitCode = signals.received() === 'SIGINT' ? exitCode.interrupted : exitCode.stoppedCanBeResumed;
        return undefined;
      }
      isAway = false;
      const view = progressViewOf(migration, Date.now());
      for (const warning of migration.linkspan.warnings ?? []) {
        if (!told.has(warning)) tell('linkspan', `warning: ${warning}`, 'warning');
        told.add(warning);
      }
      if (hasEnded(migration)) {
        renderer.finish(view);
        const [problem] = view.problems;
        for (const { message, remedy, code } of view.problems)
          tell('linkspan', `${message} ${remedy} [${code}]`, 'error');
        if (migration.status !== 'COMPLETE') process.exitCode = exitCode.failed;
        else if (problem !== undefined) process.exitCode = codeOfProblem(problem);
        return migration;
      }
      renderer.show(view);
      last = view;
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== 'API_UNREACHABLE') throw error;
      if (!isAway) tell('linkspan', `${error.message} Trying again.`, 'warning');
      isAway = true;
    }
    await Promise.race([delay(LOOK_EVERY_MS), interrupted]);
  }
}
