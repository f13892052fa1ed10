import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { PutBack } from '../../control/index.ts';
import { createPrivateFile } from './data-directory.ts';

/**
 * The file beside the store that names the newest audit record by sequence number and hash, in a fixed length. A store without this record
 * is a restored older copy (docs/adr/0024-restored-stores.md).
 *
 * Invariant: the file is never ahead of the store on the disk, so a crash at any point doesn't look like a restore.
 */
const NAME = 'store-head';
const FORM = /^(\d{16}):([0-9a-f]{64})\n/;
/** The text that `linkspan restore` writes instead of a head. */
const RESTORED = 'restored\n';
const NO_RECORD = { sequence: 0, hash: '0'.repeat(64) };

/**
 * Why the store counts as an older copy; null if it continues where this directory's server stopped.
 * @param hasTables  whether a server has opened this store before
 */
export function lookForRestore(directory: string, database: DatabaseSync, hasTables: boolean): PutBack | null {
  const text = read(directory);
  if (text === undefined) return hasTables ? 'no head' : null;
  if (text === RESTORED) return 'restored';
  const [, digits, hash] = FORM.exec(text) ?? [];
  if (digits === undefined) return 'unreadable head';
  const sequence = Number(digits);
  if (sequence === 0) return null;
  const record = database.prepare('SELECT hash FROM audit_records WHERE sequence = ?').get(sequence);
  if (!record) return 'older than the head';
  return record.hash === hash ? null : 'other than the head';
}

/** Creates the file if it is missing. */
export function createHeadFile(directory: string): void {
  if (read(directory) === undefined) writeText(directory, lineOf(NO_RECORD));
}

/** Marks the store in this directory as restored. The next start of its server handles it. */
export function declareRestored(directory: string): void {
  writeText(directory, RESTORED);
}

/** Updates the file to the store's newest audit record. */
export class HeadFile implements Disposable {
  readonly #descriptor: number;
  readonly #newest: () => { readonly sequence: number; readonly hash: string };

  /** @param database  a connection that reads only committed data */
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
   * Writes the newest head. Call it after each commit of audit records, before its writes resolve. It doesn't sync, which would cost as much
   * as the commit: after a power cut, an older head is still valid. If the write fails, the former head stays.
   */
  follow(): void {
    try {
      writeSync(this.#descriptor, lineOf(this.#newest()), 0);
    } catch {
      // The next commit writes the head again. If the disk has failed, the store's own writes stop the server.
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

function lineOf({ sequence, hash }: { readonly sequence: number; readonly hash: string }): string {
  return `${String(sequence).padStart(16, '0')}:${hash}\n`;
}

/** Reads the file; undefined if it doesn't exist. */
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
