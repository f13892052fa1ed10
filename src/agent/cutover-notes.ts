import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { WantedState } from '../contract/index.ts';
import { type WantedAgentState, wantedState } from '../link/index.ts';
import { writeDurably } from '../platform/index.ts';

type WantedMigration = WantedAgentState['migrations'][number];

const file = wantedState.pick({ migrations: true });

/**
 * Stores the migrations whose cutover the control plane has requested, before the cutover begins. After a crash the next start can then
 * unblock the source even if the control plane is unreachable. The file contains passwords and exists only during a cutover.
 */
export class CutoverNotes {
  readonly #file: string;
  #noted = '';
  /** The migrations of which durable notes exist. */
  #durable: readonly WantedMigration[] = [];

  /** @param directory  the agent's data directory */
  constructor(directory: string) {
    this.#file = join(directory, 'cutovers.json');
  }

  /**
   * The migrations of an earlier run, to resume until the control plane answers. Their wanted state is `running`: the agent repeats no cutover
   * without a new request.
   */
  left(): WantedMigration[] {
    try {
      const { migrations } = file.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
      this.#durable = migrations;
      return migrations.map((migration) => withWanted(migration, 'RUNNING'));
    } catch {
      return [];
    }
  }

  /** Whether the note of a migration with this assignment is durable. */
  has({ id, assignment }: Pick<WantedMigration, 'id' | 'assignment'>): boolean {
    return this.#durable.some((noted) => noted.id === id && isDeepStrictEqual(noted.assignment, assignment));
  }

  /**
   * Stores the migrations that are to be cut over. They are durable on return.
   * @throws Error of the file system; the earlier notes are then still there
   */
  note(wanted: readonly WantedMigration[]): void {
    const migrations = wanted.filter(({ order }) => order.wanted === 'CUTOVER');
    const text = JSON.stringify({ migrations });
    if (text === this.#noted) return;
    if (migrations.length > 0) writeDurably(this.#file, text);
    else rmSync(this.#file, { force: true });
    this.#noted = text;
    this.#durable = migrations;
  }
}

/** Returns a migration whose order wants another state. */
export function withWanted(migration: WantedMigration, wanted: WantedState): WantedMigration {
  return { ...migration, order: { ...migration.order, wanted } };
}
