import type { Report, WantedAgentState } from '../link/index.ts';
import type { Logger } from '../platform/index.ts';
import { AssignedMigration } from './assigned-migration.ts';
import type { CurrentLists } from './migration-lists.ts';
import type { OptionsOf } from './validator.ts';

type WantedMigration = WantedAgentState['migrations'][number];

/** Applies the wanted state to all migrations of this agent. */
export class MigrationRunner {
  readonly #optionsOf: OptionsOf;
  readonly #logger: Logger;
  readonly #changed: () => void;
  readonly #migrations = new Map<string, AssignedMigration>();
  /** Runs that are no longer wanted and still write their last checkpoint. */
  readonly #stopping = new Set<AssignedMigration>();
  readonly #takenBack = new Set<string>();
  #wanted: readonly WantedMigration[] = [];

  /** @param changed  called when a migration has ended, so that another one may be able to start */
  constructor(optionsOf: OptionsOf, logger: Logger, changed: () => void) {
    this.#optionsOf = optionsOf;
    this.#logger = logger;
    this.#changed = changed;
  }

  /** Stores the wanted state and applies it. */
  setWanted(wanted: readonly WantedMigration[]): void {
    this.#wanted = wanted;
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, migration] of this.#migrations) {
      if (ids.has(id)) continue;
      if (migration.running)
        this.#logger.info(
          { event: 'migration.unassigned', migrationId: id },
          'migration is no longer wanted; its data stays',
        );
      this.#migrations.delete(id);
      this.#stopping.add(migration);
      void migration.stop().then(() => this.#stopping.delete(migration));
    }
    this.advance();
  }

  /** Starts and steers migrations as far as possible now. Must be called repeatedly, because more may become possible later. */
  advance(): void {
    for (const { id, assignment, order } of this.#wanted) {
      const { projectId, clusterName } = assignment.source;
      const migration =
        this.#migrations.get(id) ??
        new AssignedMigration(id, `${projectId}/${clusterName}`, this.#logger, this.#changed);
      this.#migrations.set(id, migration);
      migration.follow(order);
      if (migration.waiting && !this.#busy(migration.sourceKey))
        migration.start(order, () => this.#optionsOf(id, assignment));
    }
  }

  /**
   * Restarts migrations that were taken over, each once. A watchdog takes over the migrations of an agent that hangs, and no other agent
   * would continue them. Only once: a second agent with the same key would take it over as well, and one has to stop.
   * @param ids  those that the control plane still wants from this agent. It has answered after they were taken over, so they are not ones that it
   *   has given to a standby
   */
  takeBack(ids: readonly string[]): void {
    for (const id of ids) {
      if (!this.#migrations.get(id)?.wasTakenOver || this.#takenBack.has(id)) continue;
      this.#takenBack.add(id);
      this.#migrations.delete(id);
    }
    this.advance();
  }

  /** The reports of all migrations. */
  reports(): Report['migrations'] {
    return [...this.#migrations.values()].flatMap((migration) => {
      const report = migration.report();
      return report ? [report] : [];
    });
  }

  /** The migrations that other engines have taken over. They have no reports here: the agent that runs them reports them. */
  takenOver(): Report['takenOver'] {
    return [...this.#migrations.values()].filter(({ wasTakenOver }) => wasTakenOver).map(({ id }) => id);
  }

  /** The migrations that this agent has to run no more, and whose engines still write their last checkpoint. */
  stopping(): Report['stopping'] {
    const wanted = new Set(this.#wanted.map(({ id }) => id));
    return [...this.#migrations.values(), ...this.#stopping]
      .filter(({ id, running }) => running && !wanted.has(id))
      .map(({ id }) => id);
  }

  /** The lists of all migrations. */
  lists(): readonly CurrentLists[] {
    return [...this.#migrations.values()].map((migration) => migration.lists());
  }

  /** Stops all runs with a checkpoint. */
  async stopAll(): Promise<void> {
    this.#wanted = [];
    await Promise.all([...this.#migrations.values(), ...this.#stopping].map((migration) => migration.stop()));
  }

  #busy(sourceKey: string): boolean {
    return [...this.#migrations.values(), ...this.#stopping].some(
      (migration) => migration.running && migration.sourceKey === sourceKey,
    );
  }
}
