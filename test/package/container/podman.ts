import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cleanUpAtExit } from '../../support/exit-cleanup.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const run = promisify(execFile);
const DEADLINE_MS = 300_000;

/** The reason why this machine can't build and run containers; false when it has all programs for it. */
export const noContainers: string | false =
  process.getuid?.() === 0
    ? ['podman', 'runc', 'mmdebstrap']
        .filter((program) => spawnSync(program, ['--version']).error !== undefined)
        .map((program) => `${program} is not installed`)
        .join(', ') || false
    : 'only root runs containers here';

/** The outcome of a command. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Podman with images, containers and volumes of its own. Needs no daemon and no registry. Disposing removes all of them. */
export class Podman implements Disposable {
  readonly #folder = temporaryFolder('podman');
  readonly #forget: () => void;
  readonly #flags: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  constructor() {
    const at = (name: string) => join(this.#folder.path, name);
    this.#flags = [
      ...['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp'), '--storage-driver', 'overlay'],
      // Podman would use systemd for these, which not every machine runs.
      ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime', 'runc'],
    ];
    // By default Podman raises these limits, which needs a capability that root may lack.
    const limits = `[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n`;
    writeFileSync(at('containers.conf'), limits);
    this.#env = { ...process.env, CONTAINERS_CONF: at('containers.conf') };
    this.#forget = cleanUpAtExit(() => this.#removeContainers());
  }

  /** Runs a command of Podman. @throws Error with its output when it fails */
  async do(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(...args);
    if (code !== 0) throw new Error(`podman ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Runs a command of Podman, which may fail. */
  async try(...args: readonly string[]): Promise<Outcome> {
    const options = { env: this.#env, timeout: DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 };
    try {
      return { code: 0, ...(await run('podman', [...this.#flags, ...args], options)) };
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as Partial<Outcome>;
      if (typeof code !== 'number') throw error;
      return { code, stdout, stderr };
    }
  }

  /** Returns what a container has written to both streams so far. */
  async logs(name: string): Promise<string> {
    const { stdout, stderr } = await this.try('logs', name);
    return stdout + stderr;
  }

  [Symbol.dispose](): void {
    this.#removeContainers();
    this.#forget();
    this.#folder[Symbol.dispose]();
  }

  /** They aren't children of this process, and what they mount would keep the folder. */
  #removeContainers(): void {
    spawnSync('podman', [...this.#flags, 'rm', '--all', '--force', '--time', '0'], { env: this.#env });
    spawnSync('umount', [join(this.#folder.path, 'root/overlay')]);
  }
}
