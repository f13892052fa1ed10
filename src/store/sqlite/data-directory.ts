import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fullDisk, messageOf, UserError } from '../../platform/index.ts';

/** Modes of the data directory and its files. They contain secrets, so only their owner may read them. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Creates the data directory of a server, so that only its owner can read it, and locks it as {@link takeDirectory} does.
 * @returns the lock; disposing it unlocks the directory
 * @throws UserError DATA_DIRECTORY_IN_USE, DATA_DIRECTORY_UNUSABLE, DISK_FULL
 */
export function takeDataDirectory(directory: string): Disposable {
  try {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, DIRECTORY_MODE);
  } catch (error) {
    throw unusable(directory, error);
  }
  return takeDirectory(directory);
}

/**
 * Locks a directory for this process, and creates it if it is missing. The operating system locks a small database in it, and releases the
 * lock when the process ends for any reason.
 * @returns the lock; disposing it unlocks the directory
 * @throws UserError DATA_DIRECTORY_IN_USE, DATA_DIRECTORY_UNUSABLE, DISK_FULL
 */
export function takeDirectory(directory: string): Disposable {
  const path = join(directory, 'lock.db');
  try {
    mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    createPrivateFile(path);
  } catch (error) {
    throw unusable(directory, error);
  }
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    // Without a write-ahead log, the exclusive lock is on the file itself.
    lock.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    const locked = /locked|busy/i.test(messageOf(error));
    if (locked) throw new UserError('DATA_DIRECTORY_IN_USE', [directory], { cause: error });
    throw unusable(directory, error);
  }
  return { [Symbol.dispose]: () => lock.close() };
}

/** Returns the error of a data directory that can't be used. */
export function unusable(directory: string, error: unknown): UserError {
  const data = [directory, messageOf(error)];
  return fullDisk(directory, error) ?? new UserError('DATA_DIRECTORY_UNUSABLE', data, { cause: error });
}

/** Creates the file, readable only by its owner, if it doesn't exist. SQLite gives its other files the same mode. */
export function createPrivateFile(path: string): void {
  closeSync(openSync(path, 'a', FILE_MODE));
}
