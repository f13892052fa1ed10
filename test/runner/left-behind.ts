import { openResources } from '../support/leak-check.ts';

/** Notes what is open, and the environment, before a test file runs in this process. */
export class LeftBehind {
  readonly #environment = { ...process.env };
  readonly #folder = process.cwd();
  readonly #open = new Set(openResources());

  /** Puts the environment and the working directory back. @returns processes, folders and servers that the file has left */
  take(): string[] {
    for (const name of Object.keys(process.env)) if (!(name in this.#environment)) delete process.env[name];
    Object.assign(process.env, this.#environment);
    process.chdir(this.#folder);
    return openResources().filter((one) => !this.#open.has(one));
  }
}
