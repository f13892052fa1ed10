import { mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUpAtExit } from './exit-cleanup.ts';
import { statusOf } from './process-status.ts';

/** A file system in memory. */
const MEMORY = '/dev/shm';
const PREFIX = 'linkspan-tests-';
/** The oplog of a server takes up to 512 MB. At most five files of tests run at a time, each with up to six servers. */
const NEEDED_BYTES = 10 * 1024 ** 3;

/**
 * Makes a folder in memory for the data of servers, so that tests don't wait for the disk, and removes it at the end of this process. What a
 * server wrote survives its `SIGKILL` there, too. Removes such folders of processes that were killed.
 * @returns the system's folder for temporary files when this machine has no such file system, or less than 10 GB free in it
 */
export function clusterFolder(memory = MEMORY, neededBytes = NEEDED_BYTES): string {
  if (freeBytes(memory) < neededBytes) return tmpdir();
  const left = readdirSync(memory).filter((name) => name.startsWith(PREFIX) && statusOf(pidIn(name)) === '');
  for (const name of left) rmSync(join(memory, name), { recursive: true, force: true });
  const path = join(memory, `${PREFIX}${process.pid}`);
  mkdirSync(path, { recursive: true });
  cleanUpAtExit(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

function freeBytes(memory: string): number {
  try {
    const { bavail, bsize } = statfsSync(memory);
    return Math.min(bavail * bsize, freemem(), process.availableMemory());
  } catch {
    return 0;
  }
}

function pidIn(name: string): number {
  return Number(name.slice(PREFIX.length));
}
