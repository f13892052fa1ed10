import { Command } from 'commander';
import { backUpStore, restoreStore } from '../../store/sqlite/index.ts';
import { reporting } from '../command-line/reporting.ts';
import { tell } from '../terminal/index.ts';
import { dataDirectory } from '../terminal/setting.ts';

interface StoreFlags {
  readonly dataDir: string;
  readonly file: string;
}

/** `linkspan backup`: copies the store into one file while the server runs. */
export function backupCommand(): Command {
  const command = new Command('backup')
    .description(
      'Copy the store into one file while the server runs. The copy is a consistent snapshot. Its secrets are sealed: ' +
        'keep the current master key file elsewhere, because without it they are lost.',
    )
    .addOption(dataDirectory())
    .requiredOption('--file <file>', 'File to write; must not exist');
  return reporting<StoreFlags>(command, async ({ dataDir, file }) => {
    process.umask(0o077);
    await backUpStore(dataDir, file);
    tell('linkspan backup', `${dataDir} is backed up in ${file}`);
    return { facts: { file } };
  });
}

/** `linkspan restore`: creates a data directory from a backup. */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Create a data directory from a backup. It must not contain a store. Put the master key file of the backup beside it before the server starts.',
    )
    .addOption(dataDirectory())
    .requiredOption('--file <file>', 'Backup to restore');
  return reporting<StoreFlags>(command, async ({ dataDir, file }) => {
    process.umask(0o077);
    await restoreStore(file, dataDir);
    tell('linkspan restore', `${file} is restored in ${dataDir}`);
    return { facts: { dataDirectory: dataDir } };
  });
}
