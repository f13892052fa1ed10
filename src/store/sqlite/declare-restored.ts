import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../platform/index.ts';
import { takeDataDirectory } from './data-directory.ts';
import { declareRestored } from './head-file.ts';

/**
 * Marks a data directory as restored while its server doesn't run. Linkspan can't detect a restore of the whole directory by itself.
 * @throws UserError DATA_DIRECTORY_IN_USE, DATA_DIRECTORY_UNUSABLE
 */
export function declareStoreRestored(directory: string): void {
  if (!existsSync(join(directory, 'linkspan.db'))) {
    throw new UserError('DATA_DIRECTORY_UNUSABLE', [directory, 'there is no store in it']);
  }
  using _lock = takeDataDirectory(directory);
  declareRestored(directory);
}
