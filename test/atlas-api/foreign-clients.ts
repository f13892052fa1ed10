import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Deadline for downloads and builds. After it, the tests are skipped with that reason. */
const DEADLINE_MS = 120_000;

const CACHE =
  process.env.LINKSPAN_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'linkspan');

/** Python's HTTP clients, pinned. */
const PYTHON_PACKAGES = ['requests==2.34.2', 'httpx==0.28.1'];
const folderOf = (packages: readonly string[]) => join(CACHE, `python-${packages.join('-').replaceAll('==', '-')}`);

/** A client of others that can run here, or the reason why it cannot. */
export type ForeignClient = { readonly missing: string } | { readonly run: (...args: string[]) => Promise<string> };

/** The `skip` option of node:test: false if the client is available. */
export function skipReason(client: ForeignClient): string | false {
  return 'missing' in client ? client.missing : false;
}

/** Runs the client. @returns its stdout @throws Error if it is missing or fails */
export async function runClient(client: ForeignClient, ...args: string[]): Promise<string> {
  if ('missing' in client) throw new Error(client.missing);
  return await client.run(...args);
}

export async function findCurl(): Promise<ForeignClient> {
  const reason = await failureOf('curl', ['--version']);
  return reason ?? { run: (...args) => output('curl', args) };
}

/** The Atlas CLI if it is installed. No package registry has it. */
export async function findAtlasCli(): Promise<ForeignClient> {
  const reason = await failureOf('atlas', ['--version']);
  return reason ?? { run: (...args) => output('atlas', args) };
}

/**
 * Python with packages, installed into the cache folder on first use. Arguments: a program and its arguments.
 * @param packages  pinned; HTTP clients by default
 */
export async function findPython(packages: readonly string[] = PYTHON_PACKAGES): Promise<ForeignClient> {
  const absent = await failureOf('python3', ['-m', 'pip', '--version']);
  if (absent) return absent;
  const folder = folderOf(packages);
  if (!exists(folder)) {
    const failed = await inNewFolder(folder, (draft) =>
      failureOf('python3', ['-m', 'pip', 'install', '--quiet', '--target', draft, ...packages]),
    );
    if (failed) return failed;
  }
  return { run: (program, ...args) => output('python3', ['-c', program ?? '', ...args], pythonEnvironment(folder)) };
}

/** A folder in the cache whose `node_modules` has packages, pinned, or the reason why it can't be made. */
export async function findNpmPackages(
  packages: readonly string[],
): Promise<{ readonly missing: string } | { readonly folder: string }> {
  const folder = join(CACHE, `npm-${packages.join('-').replaceAll(/[@/]/g, '-')}`);
  if (exists(folder)) return { folder };
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--prefix'];
  const failed = await inNewFolder(folder, (draft) => failureOf('npm', ['install', ...flags, draft, ...packages]));
  return failed ?? { folder };
}

/** A Python program that answers each line of its input with a line. */
export interface PythonProgram extends Disposable {
  ask(line: string): Promise<string>;
}

/** Starts a program with the packages that {@link findPython} found. @param packages  the same */
export function startPython(program: string, args: readonly string[], packages = PYTHON_PACKAGES): PythonProgram {
  const child = spawn('python3', ['-u', '-c', program, ...args], {
    env: pythonEnvironment(folderOf(packages)),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (line) => {
      child.stdin.write(`${line}\n`);
      const { done, value } = await lines.next();
      if (done) throw new Error('the program in Python has ended');
      return value;
    },
    [Symbol.dispose]: () => child.kill(),
  };
}

function pythonEnvironment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, PYTHONPATH: folder, NO_PROXY: '*' };
}

/** One of the Go programs in this folder, built in the cache folder. Go rebuilds only what has changed. */
export async function findGoProgram(name: 'go-client' | 'go-sdk-client'): Promise<ForeignClient> {
  const absent = await failureOf('go', ['version']);
  if (absent) return absent;
  mkdirSync(CACHE, { recursive: true });
  const program = join(CACHE, name);
  const cwd = fileURLToPath(new URL(name, import.meta.url));
  const failed = await failureOf('go', ['build', '-o', program, '.'], cwd);
  return failed ?? { run: (...args) => output(program, args, { ...process.env, NO_PROXY: '*' }) };
}

async function output(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  return (await run(command, args, { env, timeout: DEADLINE_MS })).stdout;
}

/** Runs a program that a test needs. @returns why it can't run; undefined for a success */
export async function failureOf(
  command: string,
  args: readonly string[],
  cwd?: string,
): Promise<{ readonly missing: string } | undefined> {
  try {
    await run(command, args, { cwd, timeout: DEADLINE_MS });
    return undefined;
  } catch (error) {
    const { code, killed, stderr = '' } = error as { code?: unknown; killed?: boolean; stderr?: string };
    const ended = killed ? `did not end within ${DEADLINE_MS / 1000} s` : stderr.trim().split('\n').at(-1);
    const why = code === 'ENOENT' ? 'is not installed' : ended;
    return { missing: `${[command, ...args].slice(0, 4).join(' ')}: ${why}` };
  }
}

/** Fills a folder under a temporary name and renames it when it is complete. Another process may complete it first. */
async function inNewFolder<T>(folder: string, fill: (draft: string) => Promise<T | undefined>): Promise<T | undefined> {
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(`${folder}-`);
  try {
    const failed = await fill(draft);
    if (!failed && !exists(folder)) renameSync(draft, folder);
    return failed;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
