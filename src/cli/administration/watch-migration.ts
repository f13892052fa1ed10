import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../platform/index.ts';
import { exitCode } from '../command-line/exit-code.ts';
import { chooseRenderer, type OutputFormat } from '../progress/index.ts';
import { tell } from '../terminal/index.ts';
import { hasEnded, progressViewOf, type ShownMigration } from './shown-migration.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Shows the progress of a migration as `linkspan sync` does, until it ends. While the server is unreachable, it retries. Sets the exit code to
 * `failed` for a migration that ended without a cutover.
 * @param look  fetches the migration from the API
 * @returns the last answer
 * @throws UserError the errors of {@link askApi} other than API_UNREACHABLE
 */
export async function watchMigration(look: () => Promise<unknown>, format: OutputFormat): Promise<ShownMigration> {
  const renderer = chooseRenderer(format);
  let isAway = false;
  for (;;) {
    try {
      const migration = (await look()) as ShownMigration;
      isAway = false;
      const view = progressViewOf(migration, Date.now());
      if (hasEnded(migration)) {
        renderer.finish(view);
        if (migration.status !== 'COMPLETE') process.exitCode = exitCode.failed;
        return migration;
      }
      renderer.show(view);
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== 'API_UNREACHABLE') throw error;
      if (!isAway) tell('linkspan', `${error.message} Trying again.`, 'warning');
      isAway = true;
    }
    await delay(LOOK_EVERY_MS);
  }
}
