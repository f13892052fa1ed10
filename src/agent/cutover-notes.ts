import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type WantedAgentState, wantedState } from '../link/index.ts';
import { writeDurably } from './durable-file.ts';

type WantedMigration = WantedAgentState['migrations'][number];

const file = wantedState.pick({ migrations: true });

/**
 * The migrations whose cutover the control plane has asked for, written down before it begins: a source that was left blocked is to be opened
 * by the next start, even when the control plane cannot be reached then. It has passwords, and is there as long as a cutover is.
 */
export class CutoverNotes {
  readonly #file: string;
  #noted = '';

  /** @param directory  the agent's data directory */
  constructor(directory: string) {
    this.#file = join(directory, 'cutovers.json');
  }

  /** Those of an earlier run, to be followed until the control plane says more: what was interrupted is not cut over unasked. */
  left(): WantedMigration[] {
    try {
      const { migrations } = file.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
      return migrations.map((migration) => ({ ...migration, wanted: 'running' }));
    } catch {
      return [];
    }
  }

  /** Durable when it returns. */
  note(wanted: readonly WantedMigration[]): void {
    const migrations = wanted.filter((migration) => migration.wanted === 'cutover');
    const text = JSON.stringify({ migrations });
    if (text === this.#noted) return;
    if (migrations.length > 0) writeDurably(this.#file, text);
    else rmSync(this.#file, { force: true });
    this.#noted = text;
  }
}
