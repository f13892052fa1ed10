import type { IndexBuild } from '../../contract/index.ts';
import type { Migrated } from '../collections/context.ts';
import type { Clusters, Pace } from '../records/context.ts';

const EVERY_MS = 2_000;

/** The progress of the destination's index builds, from its `currentOp`. */
export class IndexBuilds {
  readonly #context: Clusters & Pace & Migrated;
  /** Null while there are none, and if the user lacks the privilege. */
  current: readonly IndexBuild[] | null = null;

  constructor(context: Clusters & Pace & Migrated) {
    this.#context = context;
  }

  async run(): Promise<void> {
    const { clock, signal, tracked } = this.#context;
    while (!signal.aborted) {
      const building = [...tracked.values()].some(({ isCopied, state }) => isCopied && state !== 'live');
      this.current = building ? await this.#ask() : null;
      await clock.sleep(EVERY_MS, signal);
    }
  }

  async #ask(): Promise<IndexBuild[] | null> {
    const ours = new Set(
      [...this.#context.tracked.values()].map((one) => `${one.destinationDatabase}.${one.destinationName}`),
    );
    try {
      const operations = await this.#context.destination
        .db('admin')
        .aggregate(
          [
            // Servers count the thread that builds as idle.
            { $currentOp: { allUsers: true, idleConnections: true } },
            { $match: { 'command.createIndexes': { $exists: true }, 'progress.total': { $exists: true } } },
            { $project: { ns: 1, progress: 1 } },
          ],
          { readConcern: { level: 'local' } },
        )
        .toArray();
      const builds = operations.filter(({ ns }) => ours.has(ns));
      return builds.map(({ ns, progress }) => ({
        namespace: ns,
        done: Number(progress.done),
        total: Number(progress.total),
      }));
    } catch {
      return null; // The user may lack the privilege `inprog`. Nothing depends on these figures.
    }
  }
}
