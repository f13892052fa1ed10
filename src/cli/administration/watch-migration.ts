import type { LiveMigration } from '../../atlas-api/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { codeOfProblem } from '../command-line/outcome.ts';
import { catchSignals } from '../command-line/signals.ts';
import { chooseRenderer, type OutputFormat, type ProgressView } from '../progress/index.ts';
import { tell } from '../terminal/index.ts';
import { lookAgain } from './look-again.ts';
import { hasEnded, progressViewOf } from './shown-migration.ts';

/**
 * Shows the progress of a migration as `linkspan sync` does, until it ends. Sets the exit code to
 * `failed` for a migration that ended without a cutover, and that of a signal.
 * @param look  fetches the migration from the API
 * @returns the last answer; undefined after a signal
 * @throws as {@link lookAgain}
 */
export async function watchMigration(
  look: () => Promise<unknown>,
  format: OutputFormat,
): Promise<LiveMigration | undefined> {
  using signals = catchSignals();
  const renderer = chooseRenderer(format);
  const told = new Set<string>();
  let last: ProgressView | undefined;
  for await (const migration of lookAgain(look as () => Promise<LiveMigration>, signals.signal)) {
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
  }
  if (last) renderer.finish(last);
  process.exitCode = signals.received() === 'SIGINT' ? exitCode.interrupted : exitCode.stoppedCanBeResumed;
  return undefined;
}
