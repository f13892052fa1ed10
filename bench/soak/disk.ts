import { readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OPLOG_MEGABYTES } from './servers.ts';

/**
 * Bytes on disk for each byte of documents, on both sides together, without oplogs. Soaks of 0.05 and 0.2 GB had 47 and 188 MB of documents,
 * and 0.25 and 0.79 GB on disk after the cutover: 3.8 bytes for each further byte. That includes the destination's oplog, which has each
 * copied document until it is full.
 */
const BYTES_PER_BYTE = 3.5;
/** Journals, and the servers' own files. */
const OTHER_BYTES = 1e9;

/** Returns the bytes that a soak takes on disk at most. */
export function neededBytes(gigabytes: number): number {
  const oplogs = (OPLOG_MEGABYTES.source + OPLOG_MEGABYTES.destination) * 1024 ** 2;
  return gigabytes * 1e9 * BYTES_PER_BYTE + oplogs + OTHER_BYTES;
}

/**
 * Refuses a soak for which the disk has no room.
 * @throws Error that names what it needs
 */
export function checkDisk(folder: string, gigabytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize + folderBytes(folder);
  const needed = neededBytes(gigabytes);
  if (free >= needed) return;
  const inGigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  throw new Error(
    `A soak of ${gigabytes} GB needs ${inGigabytes(needed)} GB of disk. ${folder} has ${inGigabytes(free)} GB. ` +
      'Name a folder on another disk with --dir, or fewer --gigabytes.',
  );
}

/** Returns the bytes that the files of a folder take on disk. */
export function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => {
    // A running server removes files.
    const { blocks = 0 } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? {};
    return sum + blocks * 512;
  }, 0);
}
