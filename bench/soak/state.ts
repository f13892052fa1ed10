import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const PHASES = ['load', 'migrate', 'cutover', 'compare'] as const;
export type Phase = (typeof PHASES)[number];

/** The steps of a soak that are done, on disk after each of them. A command that is run again resumes behind the last one. */
export interface State {
  readonly seed: number;
  readonly gigabytes: number;
  readonly done: Phase[];
  /** Documents loaded so far, by kind of data. */
  readonly loaded: Record<string, number>;
  /** Names of the faults that were injected. */
  readonly faults: string[];
  /** Cutovers so far, in either direction. */
  turns: number;
}

export function recordIn(folder: string): string {
  return join(folder, 'record.jsonl');
}

/** The folder of a soak: data of both sets, state and record. */
export class SoakFolder {
  readonly path: string;
  readonly state: State;

  /**
   * Opens the folder, or begins a soak in it.
   * @throws Error when it has a soak of another size or seed
   */
  constructor(path: string, gigabytes: number, seed: number | undefined, newSeed: number) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    const file = join(path, 'state.json');
    this.state = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { seed: seed ?? newSeed, gigabytes, done: [], loaded: {}, faults: [], turns: 0 };
    const own = this.state;
    if (gigabytes !== own.gigabytes || (seed ?? own.seed) !== own.seed)
      throw new Error(
        `${path} has a soak of ${own.gigabytes} GB with seed ${own.seed}. Remove it, or name another folder with --dir.`,
      );
    this.save();
  }

  /** The file with a line for each second of the soak. */
  get record(): string {
    return recordIn(this.path);
  }

  /** Writes the state to disk, as a whole or not at all. */
  save(): void {
    const file = join(this.path, 'state.json');
    writeFileSync(`${file}.new`, JSON.stringify(this.state));
    renameSync(`${file}.new`, file);
  }
}
