import { UserError } from '../platform/index.ts';
import { MigrationRun, type Outcome } from './lifecycle/migration-run.ts';
import type { MigrationOptions } from './lifecycle/options.ts';
import type { Progress, WantedState } from './lifecycle/progress.ts';
import { notYetRunning, snapshot } from './lifecycle/snapshot.ts';

export type { Outcome } from './lifecycle/migration-run.ts';

/** One migration between two replica sets: the data plane's whole surface. */
export class Migration {
  readonly options: MigrationOptions;
  #run: MigrationRun | undefined;
  #wanted: WantedState = 'running';

  constructor(options: MigrationOptions) {
    this.options = options;
  }

  /**
   * Runs until the migration is committed, or until `signal` aborts: then it writes a checkpoint and resolves with `stopped`.
   * Running again with the same id, in any process, goes on from the checkpoint.
   * @throws UserError when the migration failed; the failure is recorded in the checkpoint first
   */
  async run(signal: AbortSignal): Promise<Outcome> {
    const run = await MigrationRun.open(this.options, signal);
    run.wanted = this.#wanted;
    this.#run = run;
    return await run.toEnd();
  }

  /**
   * Says what the operator wants. Saying it again is harmless.
   * @throws UserError NOT_READY_FOR_CUTOVER with the reasons, for a cutover that could not begin now
   */
  want(wanted: WantedState): void {
    if (wanted === 'cutover') this.#refuseUnready();
    this.#wanted = wanted;
    if (this.#run !== undefined) this.#run.wanted = wanted;
  }

  /** A snapshot; cheap, at any time. */
  progress(): Progress {
    return this.#run === undefined ? notYetRunning(this.options) : snapshot(this.#run, this.options);
  }

  #refuseUnready(): void {
    const { state } = this.progress();
    if (this.#wanted === 'cutover' || state === 'committing' || state === 'committed') return;
    const reasons = this.#run?.notReadyReasons ?? ['it is not running'];
    if (reasons.length > 0) throw new UserError('NOT_READY_FOR_CUTOVER', [reasons.join(', ')]);
  }
}
