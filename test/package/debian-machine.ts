import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { cleanUpAtExit } from '../support/exit-cleanup.ts';
import { cacheFolder } from '../support/mongod-binary.ts';

const run = promisify(execFile);
const PACKAGES = 'systemd,systemd-sysv,libstdc++6';
const UP_WITHIN_MS = 60_000;
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** The namespaces of the machine, as flags of `unshare` and of `nsenter`. Its loopback is its only network. */
const NAMESPACES = ['--mount', '--pid', '--cgroup', '--uts', '--ipc', '--net'];

/** Makes the folder of its argument the root of its namespaces, and systemd their first process. A program in a `chroot` could have no user namespace. */
const BOOT = `
set -e
cd "$1"
mount --make-rprivate /
mount --rbind . .
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --rbind /dev dev
pivot_root . mnt
exec env --ignore-environment PATH=${PATH} container=linkspan-test sh -c 'umount --lazy /mnt; mount --make-rshared /; exec /sbin/init'
`;

/** The reason why this machine can't boot another one; false when it has all programs for it. */
export const noMachines: string | false =
  process.getuid?.() === 0
    ? ['unshare', 'nsenter', 'mmdebstrap']
        .filter((program) => spawnSync(program, ['--version']).error !== undefined)
        .map((program) => `${program} is not installed`)
        .join(', ') || false
    : 'only root boots machines here';

/** A Debian with a running systemd, in namespaces of this machine's kernel. Disposing ends all its processes. */
export class DebianMachine implements Disposable {
  readonly #root: string;
  readonly #child: ChildProcess;
  readonly #forget: () => void;
  readonly #init: string;

  private constructor(root: string, child: ChildProcess, init: string) {
    this.#root = root;
    this.#child = child;
    this.#init = init;
    this.#forget = cleanUpAtExit(() => this.#end());
  }

  /**
   * Boots a machine.
   * @param folder  an empty folder for its files
   * @returns the reason when that is impossible here
   */
  static async boot(folder: string): Promise<DebianMachine | string> {
    try {
      await run('tar', ['--extract', '--file', await baseSystem(), '--directory', folder]);
      const flags = [...NAMESPACES, '--fork', '--kill-child=SIGKILL'];
      const child = spawn('unshare', [...flags, 'sh', '-c', BOOT, 'sh', folder], { stdio: 'ignore' });
      const init = await eventually(
        () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim(),
        {
          what: 'the first process of the machine',
        },
      );
      const machine = new DebianMachine(folder, child, init);
      // It fails when a service of the machine did, which has no effect here.
      const state = () => machine.run('sh', '-c', 'systemctl is-system-running || true');
      const isUp = async () => ['running', 'degraded'].includes(await state());
      await eventually(isUp, { what: 'systemd', deadlineMs: UP_WITHIN_MS }).catch((error) => {
        machine[Symbol.dispose]();
        throw error;
      });
      return machine;
    } catch (error) {
      return `no machine with systemd can be booted here: ${String(error).trim().split('\n').at(-1)}`;
    }
  }

  /** Runs a command in the machine. @returns its standard output @throws Error when it fails */
  async run(...command: readonly string[]): Promise<string> {
    const flags = ['--target', this.#init, ...NAMESPACES, '--root', '--wd'];
    const { stdout } = await run('nsenter', [...flags, 'env', `PATH=${PATH}`, ...command]);
    return stdout.trim();
  }

  /** Writes a file that only root can read. @param path from its root, whose folder may be missing */
  write(path: string, content: string): void {
    mkdirSync(join(this.#root, path, '..'), { recursive: true });
    writeFileSync(join(this.#root, path), content, { mode: 0o600 });
  }

  /** Returns a path of this machine for one of the booted machine. */
  path(path: string): string {
    return join(this.#root, path);
  }

  [Symbol.dispose](): void {
    this.#end();
    this.#forget();
  }

  /** The end of its first process ends all others. */
  #end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Returns an archive of a Debian with systemd, which is made once. */
async function baseSystem(): Promise<string> {
  const file = join(cacheFolder(), 'systemd-base-bookworm.tar');
  if (existsSync(file)) return file;
  mkdirSync(cacheFolder(), { recursive: true });
  const draft = `${file}.${process.pid}.tar`;
  await run('mmdebstrap', ['--mode=root', '--variant=minbase', `--include=${PACKAGES}`, 'bookworm', draft]);
  renameSync(draft, file);
  return file;
}
