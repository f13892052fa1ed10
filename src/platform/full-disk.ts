import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UserError } from './errors/index.ts';

/** SQLite's result codes for a disk without space. With a few free blocks it reports an I/O error, too. */
const FULL = 13;
const IO_ERROR = 10;
/** SQLite and the small files of an agent need less at a time. */
const FEW_BYTES = 1_000_000;

/** Returns DISK_FULL if an error came from the disk that the directory is on, and that has no space; else undefined. */
export function fullDisk(directory: string, error: unknown): UserError | undefined {
  const { code, errcode = 0 } = error as { readonly code?: unknown; readonly errcode?: number };
  const sqliteCode = errcode & 0xff;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || sqliteCode === FULL;
  if (!isFull && sqliteCode !== IO_ERROR) return undefined;
  const { mountPoint, freeBytes } = diskOf(directory);
  if (!isFull && freeBytes > FEW_BYTES) return undefined;
  const free = Math.floor(freeBytes / 1_000).toLocaleString('en');
  return new UserError('DISK_FULL', [directory, mountPoint, free], { cause: error });
}

/** The disk that a directory is on, or would be created on. */
function diskOf(directory: string): { readonly mountPoint: string; readonly freeBytes: number } {
  let mountPoint = resolve(directory);
  while (!existsSync(mountPoint)) mountPoint = dirname(mountPoint);
  const { bavail, bsize } = statfsSync(mountPoint);
  const { dev } = statSync(mountPoint);
  while (mountPoint !== '/' && statSync(dirname(mountPoint)).dev === dev) mountPoint = dirname(mountPoint);
  return { mountPoint, freeBytes: bavail * bsize };
}
