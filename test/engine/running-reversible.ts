import assert from 'node:assert/strict';
import type { Outcome, Progress } from '../../src/contract/index.ts';
import { type MigrationOptions, ReversibleMigration, Steering } from '../../src/engine/index.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { LEAST_ROLES } from '../support/least-privilege.ts';
import type { ReplicaSetPair } from '../support/replica-set.ts';

/** Returns the addresses of both sides with users that have the roles of both sides, as a failback needs. */
export async function reversibleUsers({ source, destination }: ReplicaSetPair) {
  const roles = [...new Set([...LEAST_ROLES.source, ...LEAST_ROLES.destination])];
  for (const set of [source, destination]) await set.createUser('mover', 'secret', roles);
  return {
    source: { uri: source.uriFor('mover', 'secret') },
    destination: { uri: destination.uriFor('mover', 'secret') },
  };
}

/** A reversible migration that runs in the test's process. Disposing of it stops it. */
export class RunningReversible implements AsyncDisposable {
  readonly migration: ReversibleMigration;
  readonly steering: Steering;
  readonly outcome: Promise<Outcome>;
  readonly #stop = new AbortController();
  /** Aborted when it has failed, and when it is disposed of. */
  readonly #over = new AbortController();

  constructor(
    addresses: Awaited<ReturnType<typeof reversibleUsers>>,
    migrationId = newId(),
    options: Partial<MigrationOptions> = {},
  ) {
    const settings = { dropDestination: false, confirmDrops: true, reversible: true, logger: silentLogger };
    this.migration = new ReversibleMigration({ ...settings, ...addresses, migrationId, ...options });
    this.steering = new Steering(this.migration);
    this.outcome = this.migration.run(this.#stop.signal);
    this.outcome.catch((error: unknown) => this.#over.abort(error)); // Its awaiter still sees the failure.
  }

  get progress(): Progress {
    return this.migration.current.progress();
  }

  /** Waits until the condition holds. @throws the migration's failure, if it fails meanwhile */
  async until(what: string, condition: () => boolean): Promise<void> {
    const { signal } = this.#over;
    await eventually(condition, { what, pollMs: 50, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      const { current, failback } = this.migration;
      const told = [current, failback].map((one) => {
        const { state, notReadyReasons, warnings } = one?.progress() ?? {};
        return { reversals: one?.options.reversals, state, notReadyReasons, warnings };
      });
      throw new Error(JSON.stringify(told), { cause: error });
    });
  }

  /** Fails the test if the verification had to repair what the engine did. */
  expectNoMismatches(): void {
    for (const one of [this.migration.current, this.migration.failback]) {
      const { found = 0, latest = [] } = one?.progress().verification.mismatches ?? {};
      assert.equal(found, 0, JSON.stringify(latest));
    }
  }

  /** Cuts over in the current direction, and waits until the opposite one follows. */
  async cutOver(): Promise<void> {
    await this.until('the migration to be ready for cutover', () => this.progress.readyForCutover);
    this.steering.cutOver();
    await this.until('the cutover to be done', () => this.progress.state === 'COMMITTED');
    await this.untilFollowing();
  }

  /** Waits until the failback has everything and could cut over. */
  async untilFollowing(): Promise<void> {
    await this.until('the failback to be ready', () => {
      const progress = this.migration.failback?.progress();
      assert.notEqual(progress?.state, 'FAILED', JSON.stringify(progress?.error));
      return progress?.readyForCutover ?? false;
    });
  }

  /** Asks for the opposite direction, and cuts over in it. */
  async returnToOldSource(): Promise<void> {
    await this.untilFollowing();
    await this.steering.reverse();
    await this.until('the opposite direction to be ready', () => this.progress.readyForCutover);
    this.expectNoMismatches();
    await this.cutOver();
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
