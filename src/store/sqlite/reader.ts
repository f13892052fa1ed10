import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StoreReader } from '../../control/index.ts';
import { messageOf, UserError } from '../../platform/index.ts';
import { operationsOn } from './operations.ts';
import { hasSchema } from './schema.ts';

/**
 * Opens a store to read committed data. A server may have it open at the same time.
 * @throws UserError DATA_DIRECTORY_UNUSABLE, STORE_TOO_NEW, STORE_TOO_OLD
 */
export function openSqliteReader(directory: string): StoreReader & Disposable {
  const path = join(directory, 'linkspan.db');
  if (!existsSync(path)) throw new UserError('DATA_DIRECTORY_UNUSABLE', [directory, 'there is no store in it']);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  } catch (error) {
    throw new UserError('DATA_DIRECTORY_UNUSABLE', [directory, messageOf(error)], { cause: error });
  }
  if (!hasSchema(database, directory))
    throw new UserError('DATA_DIRECTORY_UNUSABLE', [directory, 'its store is empty']);
  return { ...operationsOn(database), [Symbol.dispose]: () => database.close() };
}
