import type { Finding } from '../../contract/index.ts';
import { ADVICE, AT_CUTOVER } from '../preflight/all-checks.ts';
import { lookBeside } from '../preflight/preflight.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { MigrationOptions } from '../scope/options.ts';

/** The codes of {@link AT_CUTOVER}. */
const OF_USERS: readonly string[] = ['USERS_BYPASS_BLOCK', 'USERS_STAY'];
/** Limits the checks before the write pause. The cutover doesn't wait for a source that answers later. */
const CUTOVER_CHECKS_WITHIN_MS = 5_000;

/** The warnings of the preflight that a run shows. */
export class RunFindings {
  readonly #context: Clusters & Pace & Telling;
  readonly #options: MigrationOptions;
  #all: readonly Finding[];

  /** @param found  the findings when the run was opened */
  constructor(context: Clusters & Pace & Telling, options: MigrationOptions, found: readonly Finding[]) {
    this.#context = context;
    this.#options = options;
    this.#all = lasting(found);
  }

  get all(): readonly Finding[] {
    return this.#all;
  }

  /** Adds the results of slow checks, for which the start of a run doesn't wait. */
  async addAdvice(): Promise<void> {
    const { signal } = this.#context;
    const found = await lookBeside(ADVICE, this.#context, this.#options, { stop: signal });
    if (!signal.aborted) this.#all = [...this.#all, ...lasting(found)];
  }

  /** Checks again which users can write to a blocked source, and which stay behind, and logs all findings that concern the cutover. */
  async repeatAtCutover(): Promise<void> {
    const { signal, logger } = this.#context;
    const limit = { withinMs: CUTOVER_CHECKS_WITHIN_MS, stop: signal };
    const now = await lookBeside(AT_CUTOVER, this.#context, this.#options, limit);
    const couldLook = !signal.aborted && now.every(({ code }) => OF_USERS.includes(code));
    if (couldLook) this.#all = [...this.#all.filter(({ code }) => !OF_USERS.includes(code)), ...now];
    for (const { code, message, concerns } of this.#all) {
      if (concerns === 'CUTOVER') logger.warn({ event: 'cutover.finding', code }, message);
    }
  }
}

/** Leaves out the finding that the run's own watch reports while it holds. */
export function lasting(found: readonly Finding[]): readonly Finding[] {
  return found.filter(({ code }) => code !== 'SHARD_OPLOGS_UNSEEN');
}
