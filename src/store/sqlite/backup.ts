import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { type Clock, messageOf, UserError } from '../../platform/index.ts';
import { declareRestored } from './head-file.ts';
import { hasSchema } from './schema.ts';

/**
 * Copies a store to a file while its server runs. The copy is consistent and complete, and durable when this resolves.
 * @throws UserError BACKUP_FAILED
 */
export async function backUpStore(directory: string, file: string): Promise<void> {
  await copyDatabase(storeIn(directory, file), file);
}

interface Following {
  /** Shortest time between two copies. */
  readonly everyMs: number;
  readonly clock: Clock;
  /** Ends it after a last copy. */
  readonly signal: AbortSignal;
  /** Called after each copy. */
  readonly copied: () => void;
  /** Called when a later copy than the first has failed. The copy before stays, and the next one is tried after the same time. */
  readonly failed: (error: unknown) => void;
}

/**
 * Copies a store to a file while its server runs, and again whenever it has changed. Each copy replaces the one before at once, so the file is
 * a complete backup at any time.
 * @throws UserError BACKUP_FAILED, STORE_TOO_NEW or STORE_TOO_OLD for the first copy, also when another file would be replaced
 */
export async function followStore(
  directory: string,
  file: string,
  { everyMs, clock, signal, copied, failed }: Following,
): Promise<void> {
  const source = storeIn(directory, file);
  if (existsSync(file)) assertBackup(file);
  let last: string | undefined;
  for (;;) {
    const isLast = signal.aborted;
    try {
      // Before the copy: a change meanwhile is copied next time.
      const now = stateOf(source);
      if (now !== last) {
        await copyDatabase(source, file, { replaces: true });
        copied();
      }
      last = now;
    } catch (error) {
      if (last === undefined) throw error;
      failed(error);
    }
    if (isLast) return;
    await clock.sleep(everyMs, signal);
  }
}

function storeIn(directory: string, file: string): string {
  const source = join(directory, 'linkspan.db');
  if (!existsSync(source)) throw new UserError('BACKUP_FAILED', [file, `there is no store in ${directory}`]);
  return source;
}

/** Only a backup may be replaced. */
function assertBackup(file: string): void {
  try {
    using database = new DatabaseSync(file, { readOnly: true });
    if (hasSchema(database, file)) return;
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  throw new UserError('BACKUP_FAILED', [file, 'the file exists, and is no backup']);
}

/** A text that differs after each change of a store. */
function stateOf(store: string): string {
  return [store, `${store}-wal`]
    .map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }))
    .map((file) => [file?.ino, file?.size, file?.mtimeNs].join())
    .join();
}

/**
 * Creates a data directory from a backup, if the directory has no store. The next server start detects the restore.
 * @throws UserError BACKUP_FAILED, STORE_TOO_NEW, STORE_TOO_OLD
 */
export async function restoreStore(file: string, directory: string): Promise<void> {
  if (!existsSync(file)) throw new UserError('BACKUP_FAILED', [file, 'there is no such file']);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // SQLite would replay another store's log into this one. A command that only reads leaves an empty log.
  const [store, log] = [join(directory, 'linkspan.db'), join(directory, 'linkspan.db-wal')];
  if (!existsSync(store) && (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0)
    throw new UserError('BACKUP_FAILED', [directory, `${log} is the log of another store: remove it`]);
  await copyDatabase(file, store, {
    check: (database) => hasSchema(database, file),
    // Must come before the store gets its name. Otherwise a crash leaves a store that continues as if nothing happened since the backup.
    beforeNaming: () => declareRestored(directory),
  });
}

interface Copying {
  readonly check?: (database: DatabaseSync) => unknown;
  readonly beforeNaming?: () => void;
  readonly replaces?: boolean;
}

/** Copies a database. The copy gets its name only when it is complete. @param replaces  whether it may replace another file */
async function copyDatabase(
  from: string,
  to: string,
  { check, beforeNaming, replaces = false }: Copying = {},
): Promise<void> {
  if (!replaces && existsSync(to)) throw new UserError('BACKUP_FAILED', [to, 'the file already exists']);
  const draft = `${to}.${randomBytes(6).toString('hex')}.new`;
  try {
    using source = new DatabaseSync(from, { readOnly: true, timeout: 5000 });
    check?.(source);
    createDraft(draft);
    await backup(source, draft);
    using copy = new DatabaseSync(draft);
    // A backup is a single file, without a log beside it.
    copy.exec('PRAGMA journal_mode = DELETE');
    const result = copy.prepare('PRAGMA integrity_check').get()?.integrity_check;
    if (result !== 'ok') throw new Error(`the copy is damaged: ${result}`);
    sync(draft);
    beforeNaming?.();
    if (replaces) renameSync(draft, to);
    else linkSync(draft, to);
    sync(dirname(to));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError('BACKUP_FAILED', [to, messageOf(error)], { cause: error });
  } finally {
    if (existsSync(draft)) unlinkSync(draft);
  }
}

/** Creates the draft. The flag `wx` never opens an existing file or follows a link that another user has created. */
function createDraft(path: string): void {
  closeSync(openSync(path, 'wx', 0o600));
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
