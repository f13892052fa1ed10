import assert from 'node:assert/strict';
import type { Outcome, Progress } from '../../src/contract/index.ts';
import { type ClusterAddress, type MigrationOptions, ReversibleMigration, Steering } from '../../src/engine/index.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';

interface Clusters {
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
}

/** A migration that runs in the test's process. Disposing of it stops it. */
export class RunningMigration implements AsyncDisposable {
  readonly migration: ReversibleMigration;
  readonly steering: Steering;
  readonly outcome: Promise<Outcome>;
  readonly #stop = new AbortController();
  /** Aborted when it has failed, and when it is disposed of. */
  readonly #over = new AbortController();

  private constructor(options: MigrationOptions, expectsMismatches: boolean) {
    this.migration = new ReversibleMigration(options);
    this.steering = new Steering(this.migration);
    this.outcome = this.migration.run(this.#stop.signal).then((outcome) => {
      // The verification would repair what a fault of the engine did, and the test would not see it.
      const { found, latest } = this.progress.verification.mismatches;
      if (!expectsMismatches) assert.equal(found, 0, JSON.stringify(latest));
      return outcome;
    });
    this.outcome.catch((error: unknown) => this.#over.abort(error)); // Its awaiter still sees the failure.
  }

  static start(
    clusters: Clusters,
    {
      expectsMismatches = false,
      ...options
    }: Partial<MigrationOptions> & { readonly expectsMismatches?: boolean } = {},
  ): RunningMigration {
    const all = {
      migrationId: newId(),
      source: { uri: clusters.source.uri },
      destination: { uri: clusters.destination.uri },
      dropDestination: false,
      // Lets tests drop anything. Tests of held drops override this.
      confirmDrops: true,
      logger: silentLogger,
      ...options,
    };
    return new RunningMigration(all, expectsMismatches);
  }

  get progress(): Progress {
    return this.migration.progress();
  }

  /** Waits until the progress meets the condition. @throws the migration's failure, if it fails meanwhile */
  async until(what: string, condition: (progress: Progress) => boolean): Promise<void> {
    await eventually(() => condition(this.progress), { what, pollMs: 50, signal: this.#over.signal });
  }

  async untilReady(): Promise<void> {
    await this.until('the migration to be ready for cutover', ({ readyForCutover }) => readyForCutover);
  }

  /** Cuts over and waits for the end. */
  async commit(): Promise<void> {
    await this.untilReady();
    this.steering.cutOver();
    await this.outcome;
  }

  /** Ends the run with a checkpoint. */
  async stop(): Promise<Outcome> {
    this.#stop.abort();
    return await this.outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.outcome.catch(() => undefined);
    this.#over.abort();
  }
}

/** Runs one migration from its start to its commit. */
export async function syncOnce(
  clusters: Clusters,
  options: Parameters<typeof RunningMigration.start>[1] = {},
): Promise<void> {
  await using running = RunningMigration.start(clusters, options);
  await (options.once ? running.outcome : running.commit());
  assert.equal(await running.outcome, 'COMMITTED');
}
