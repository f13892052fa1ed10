import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { messageOf, UserError } from '../../platform/index.ts';
import { declareRestored } from './head-file.ts';
import { versionOf } from './schema.ts';

/**
 * Copies a store into a file, while its server runs: the copy is of one moment, whole, and durable when this resolves.
 * @throws UserError BACKUP_FAILED
 */
export async function backUpStore(directory: string, file: string): Promise<void> {
  const source = join(directory, 'linkspan.db');
  if (!existsSync(source)) throw new UserError('BACKUP_FAILED', [file, `there is no store in ${directory}`]);
  await copyDatabase(source, file);
}

/**
 * Makes a data directory of a backup, where there is no store yet. Its first server finds that it was restored. A store of an older version is brought up by the next start.
 * @throws UserError BACKUP_FAILED, STORE_TOO_NEW
 */
export async function restoreStore(file: string, directory: string): Promise<void> {
  if (!existsSync(file)) throw new UserError('BACKUP_FAILED', [file, 'there is no such file']);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // SQLite would replay another store's log into this one. A command that only reads leaves an empty one.
  const [store, log] = [join(directory, 'linkspan.db'), join(directory, 'linkspan.db-wal')];
  if (!existsSync(store) && (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0)
    throw new UserError('BACKUP_FAILED', [directory, `${log} is the log of another store: remove it`]);
  await copyDatabase(file, store, {
    check: (database) => versionOf(database, file),
    // Before there is a store: one without this would go on as if nothing had happened since the backup.
    beforeNaming: () => declareRestored(directory),
  });
}

/** A copy has its name only when it is complete, and never takes the place of another file. */
async function copyDatabase(
  from: string,
  to: string,
  { check, beforeNaming }: { check?: (database: DatabaseSync) => unknown; beforeNaming?: () => void } = {},
): Promise<void> {
  if (existsSync(to)) throw new UserError('BACKUP_FAILED', [to, 'there is such a file already']);
  const draft = `${to}.${randomBytes(6).toString('hex')}.new`;
  try {
    using source = new DatabaseSync(from, { readOnly: true, timeout: 5000 });
    check?.(source);
    createDraft(draft);
    await backup(source, draft);
    using copy = new DatabaseSync(draft);
    // One file is a backup: without a log beside it.
    copy.exec('PRAGMA journal_mode = DELETE');
    const result = copy.prepare('PRAGMA integrity_check').get()?.integrity_check;
    if (result !== 'ok') throw new Error(`the copy is damaged: ${result}`);
    sync(draft);
    beforeNaming?.();
    linkSync(draft, to);
    sync(dirname(to));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError('BACKUP_FAILED', [to, messageOf(error)], { cause: error });
  } finally {
    if (existsSync(draft)) unlinkSync(draft);
  }
}

/** `wx`: never into a file, or through a link, that somebody has put there. */
function createDraft(path: string): void {
  closeSync(openSync(path, 'wx', 0o600));
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
