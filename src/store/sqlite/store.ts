import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../control/index.ts';
import { messageOf, UserError } from '../../platform/index.ts';
import { ApiKeys } from './api-keys.ts';
import { createPrivateFile, takeDataDirectory } from './data-directory.ts';
import { GroupCommit } from './group-commit.ts';
import { upgradeSchema } from './schema.ts';
import { apiKeysOn, operationsOn } from './tables.ts';

/**
 * Opens the embedded store of one server.
 * @param directory  made if it is not there; one server at a time
 * @param failed     called when the disk has failed: nothing is written from then on, and the process should end
 * @throws UserError DATA_DIRECTORY_IN_USE, DATA_DIRECTORY_UNUSABLE, STORE_TOO_NEW
 */
export function openSqliteStore(directory: string, failed: (error: UserError) => void = () => undefined): Store {
  const lock = takeDataDirectory(directory);
  try {
    return openDatabase(directory, lock, failed);
  } catch (error) {
    lock[Symbol.dispose]();
    if (error instanceof UserError) throw error;
    throw new UserError('DATA_DIRECTORY_UNUSABLE', [directory, messageOf(error)], { cause: error });
  }
}

function openDatabase(directory: string, lock: Disposable, failed: (error: UserError) => void): Store {
  const path = join(directory, 'linkspan.db');
  createPrivateFile(path);
  const writer = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  // FULL syncs the log at every commit: an answered write survives a power cut.
  writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  upgradeSchema(writer, directory);
  writer.exec('PRAGMA foreign_keys = ON');
  // A connection of its own sees only what is committed.
  const reader = new DatabaseSync(path, { readOnly: true });
  const apiKeyTable = apiKeysOn(reader);
  const apiKeys = new ApiKeys(() => apiKeyTable.list('true'));
  const operations = operationsOn(writer);
  let haveKeysChanged = false;
  const changingKeys =
    <T extends unknown[]>(change: (...given: T) => Promise<void>) =>
    async (...given: T) => {
      haveKeysChanged = true;
      await change(...given);
    };
  const { insertApiKey, updateApiKey, deleteApiKey, replaceSealed } = operations;
  const watched = {
    ...operations,
    insertApiKey: changingKeys(insertApiKey),
    updateApiKey: changingKeys(updateApiKey),
    deleteApiKey: changingKeys(deleteApiKey),
    replaceSealed: changingKeys(replaceSealed),
  };
  const commits = new GroupCommit(
    writer,
    watched,
    () => {
      if (haveKeysChanged) apiKeys.forget();
      haveKeysChanged = false;
    },
    failed,
  );
  return {
    ...operationsOn(reader),
    apiKey: async (publicKey) => apiKeys.find(publicKey),
    write: (work) => commits.write(work),
    [Symbol.asyncDispose]: async () => {
      await commits.idle();
      reader.close();
      writer.close();
      lock[Symbol.dispose]();
    },
  };
}
