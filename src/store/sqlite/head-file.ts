import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { PutBack } from '../../control/index.ts';
import { createPrivateFile } from './data-directory.ts';

/**
 * The file beside the store that names the newest audit record: sequence number and hash, in a fixed length. A store that lacks this record is an
 * older copy that somebody put back (docs/adr/0024-restored-stores.md).
 *
 * Invariant: the file is never ahead of what the store has on the disk, so a crash at any point is no restore.
 */
const NAME = 'store-head';
const FORM = /^(\d{16}):([0-9a-f]{64})\n/;
/** What `linkspan restore` writes in place of a head. No store has it. */
const RESTORED = 'restored\n';
const NO_RECORD = { sequence: 0, hash: '0'.repeat(64) };

/**
 * Why the store is taken for an older copy; null: it goes on from where this directory's server stopped.
 * @param isMarked  whether this store has been opened by a version that writes the file
 */
export function lookForRestore(directory: string, database: DatabaseSync, isMarked: boolean): PutBack | null {
  const text = read(directory);
  if (text === undefined) return isMarked ? 'no head' : null;
  if (text === RESTORED) return 'restored';
  const [, digits, hash] = FORM.exec(text) ?? [];
  if (digits === undefined) return 'unreadable head';
  const sequence = Number(digits);
  if (sequence === 0) return null;
  const record = database.prepare('SELECT hash FROM audit_records WHERE sequence = ?').get(sequence);
  if (!record) return 'older than the head';
  return record.hash === hash ? null : 'other than the head';
}

/** Makes the file where there is none, before a store is marked as one that has it. */
export function createHeadFile(directory: string): void {
  if (read(directory) === undefined) writeText(directory, lineOf(NO_RECORD));
}

/** Says that the store in this directory is a copy that was put back. The next start of its server acts on it. */
export function declareRestored(directory: string): void {
  writeText(directory, RESTORED);
}

/** Keeps the file at the store's newest audit record. */
export class HeadFile implements Disposable {
  readonly #descriptor: number;
  readonly #newest: () => { readonly sequence: number; readonly hash: string };

  /** @param database  a connection that sees what is committed */
  constructor(directory: string, database: DatabaseSync) {
    const path = join(directory, NAME);
    createPrivateFile(path);
    this.#descriptor = openSync(path, 'r+');
    const statement = database.prepare('SELECT sequence, hash FROM audit_records ORDER BY sequence DESC LIMIT 1');
    this.#newest = () => {
      const row = statement.get();
      return row ? { sequence: Number(row.sequence), hash: String(row.hash) } : NO_RECORD;
    };
  }

  /**
   * To be called after each commit of audit records, before those who wait for it are answered. It isn't synced: that would cost as much as the
   * commit, and after a power cut an older head is a head all the same. A disk that refuses leaves the former head there.
   */
  follow(): void {
    try {
      writeSync(this.#descriptor, lineOf(this.#newest()), 0);
    } catch {
      // The next commit writes again, and a disk that has failed ends the server by the store's own writes.
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

function lineOf({ sequence, hash }: { readonly sequence: number; readonly hash: string }): string {
  return `${String(sequence).padStart(16, '0')}:${hash}\n`;
}

/** Undefined where there is none. */
function read(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, NAME), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeText(directory: string, text: string): void {
  const path = join(directory, NAME);
  createPrivateFile(path);
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  const parent = openSync(dirname(path), 'r');
  fsyncSync(parent);
  closeSync(parent);
}
