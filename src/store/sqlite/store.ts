import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AuditRecord, Store } from '../../control/index.ts';
import { UserError } from '../../platform/index.ts';
import { createPrivateFile, takeDataDirectory, unusable } from './data-directory.ts';
import { GroupCommit } from './group-commit.ts';
import { createHeadFile, HeadFile, lookForRestore } from './head-file.ts';
import { operationsOn } from './operations.ts';
import { createSchema, hasSchema } from './schema.ts';

/**
 * Opens the embedded store of one server.
 * @param directory  created if it is missing; only one server may use it
 * @param failed     called when the disk has failed: nothing is written after that, and the process should end
 * @throws UserError DATA_DIRECTORY_IN_USE, DATA_DIRECTORY_UNUSABLE, DISK_FULL, STORE_TOO_NEW, STORE_TOO_OLD
 */
export function openSqliteStore(directory: string, failed: (error: UserError) => void = () => undefined): Store {
  const lock = takeDataDirectory(directory);
  try {
    return openDatabase(directory, lock, failed);
  } catch (error) {
    lock[Symbol.dispose]();
    if (error instanceof UserError) throw error;
    throw unusable(directory, error);
  }
}

function openDatabase(directory: string, lock: Disposable, failed: (error: UserError) => void): Store {
  const path = join(directory, 'linkspan.db');
  createPrivateFile(path);
  const writer = new DatabaseSync(path);
  const hasTables = hasSchema(writer, directory);
  // FULL syncs the log at every commit, so that a resolved write survives a power cut.
  writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  // Must come before the store has tables, so that a crash in between doesn't look like a restore.
  if (!hasTables) createHeadFile(directory);
  createSchema(writer);
  const putBack = lookForRestore(directory, writer, hasTables);
  // A separate connection reads only committed data.
  const reader = new DatabaseSync(path, { readOnly: true });
  const headFile = new HeadFile(directory, reader);
  const restores = reader.prepare('SELECT count(*) AS count FROM restores');
  const known = restores.get()?.count;
  // Keep the head file unchanged until the restore is recorded, so that the next opening detects it again.
  let mayFollow = putBack === null;
  if (mayFollow) headFile.follow();
  let hasNewRecords = false;
  const operations = operationsOn(writer);
  const noted = {
    ...operations,
    appendAuditRecord: async (record: AuditRecord) => {
      hasNewRecords = true;
      await operations.appendAuditRecord(record);
    },
  };
  const commits = new GroupCommit(
    writer,
    noted,
    () => {
      mayFollow ||= restores.get()?.count !== known;
      if (mayFollow && hasNewRecords) headFile.follow();
      hasNewRecords = false;
    },
    failed,
  );
  return {
    ...operationsOn(reader),
    putBack,
    write: (work) => commits.write(work),
    [Symbol.asyncDispose]: async () => {
      await commits.idle();
      headFile[Symbol.dispose]();
      reader.close();
      writer.close();
      lock[Symbol.dispose]();
    },
  };
}
