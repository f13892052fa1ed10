import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../platform/index.ts';
import { takeDataDirectory } from './data-directory.ts';
import { declareRestored } from './head-file.ts';

/**
 * Says of a data directory, whose server doesn't run, that it was put back as a whole: nothing in it shows that.
 * @throws UserError DATA_DIRECTORY_IN_USE, DATA_DIRECTORY_UNUSABLE
 */
export function declareStoreRestored(directory: string): void {
  if (!existsSync(join(directory, 'linkspan.db'))) {
    throw new UserError('DATA_DIRECTORY_UNUSABLE', [directory, 'there is no store in it']);
  }
  using _lock = takeDataDirectory(directory);
  declareRestored(directory);
}
