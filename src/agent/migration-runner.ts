import type { Report, WantedAgentState } from '../link/index.ts';
import type { Logger } from '../platform/index.ts';
import { AssignedMigration } from './assigned-migration.ts';
import type { OptionsOf } from './validator.ts';

type WantedMigration = WantedAgentState['migrations'][number];

/** Brings about the wanted state of all migrations of this agent. */
export class MigrationRunner {
  readonly #optionsOf: OptionsOf;
  readonly #logger: Logger;
  readonly #migrations = new Map<string, AssignedMigration>();
  /** Runs that are not wanted any more and are writing their last checkpoint. */
  readonly #stopping = new Set<AssignedMigration>();
  readonly #takenBack = new Set<string>();
  #wanted: readonly WantedMigration[] = [];

  constructor(optionsOf: OptionsOf, logger: Logger) {
    this.#optionsOf = optionsOf;
    this.#logger = logger;
  }

  /** Takes note of what is wanted, and acts on it. */
  setWanted(wanted: readonly WantedMigration[]): void {
    this.#wanted = wanted;
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, migration] of this.#migrations) {
      if (ids.has(id)) continue;
      if (migration.running) this.#logger.info({ migration: id }, 'migration is not wanted any more; its data stays');
      this.#migrations.delete(id);
      this.#stopping.add(migration);
      void migration.stop().then(() => this.#stopping.delete(migration));
    }
    this.advance();
  }

  /** Starts what can start, and brings about what can be of what is wanted. To be called every now and then: what was not possible may be so now. */
  advance(): void {
    for (const { id, assignment, ...target } of this.#wanted) {
      this.#takeBack(id);
      const { projectId, clusterName } = assignment.source;
      const migration =
        this.#migrations.get(id) ?? new AssignedMigration(id, `${projectId}/${clusterName}`, target, this.#logger);
      this.#migrations.set(id, migration);
      migration.want(target);
      if (migration.waiting && !this.#busy(migration.sourceKey)) migration.start(() => this.#optionsOf(id, assignment));
    }
  }

  /**
   * A migration that was taken over and is still wanted of this agent begins anew, once: a watchdog takes those of an agent that hangs, and
   * nobody else would go on. A second agent with the same key would take it too; then one of both has to give in.
   */
  #takeBack(id: string): void {
    if (!this.#migrations.get(id)?.wasTakenOver || this.#takenBack.has(id)) return;
    this.#takenBack.add(id);
    this.#migrations.delete(id);
  }

  /** What every migration has to say. */
  reports(): Report['migrations'] {
    return [...this.#migrations.values()].flatMap((migration) => {
      const progress = migration.progress();
      return progress ? [{ id: migration.id, progress }] : [];
    });
  }

  /** Ends all runs with a checkpoint. */
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
