import type { MigrationOptions } from './lifecycle/options.ts';
import type { Progress, WantedState } from './lifecycle/progress.ts';

/** How a run ended, when nothing went wrong. */
export type Outcome = 'committed' | 'stopped';

/** One migration between two replica sets: the data plane's whole surface. */
export class Migration {
  readonly options: MigrationOptions;

  constructor(options: MigrationOptions) {
    this.options = options;
  }

  /**
   * Runs until the migration is committed, or until `signal` aborts: then it writes a checkpoint and resolves with `stopped`.
   * Running again with the same id, in any process, goes on from the checkpoint.
   * @throws UserError when the migration failed; the failure is recorded in the checkpoint first
   */
  run(_signal: AbortSignal): Promise<Outcome> {
    throw new Error('being built');
  }

  /** Says what the operator wants. Cutover is refused with NOT_READY_FOR_CUTOVER while it is not ready; pausing keeps the position. */
  want(_wanted: WantedState): void {
    throw new Error('being built');
  }

  /** A snapshot; cheap, at any time. */
  progress(): Progress {
    throw new Error('being built');
  }
}
