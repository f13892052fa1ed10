import { Command } from 'commander';
import { backUpStore, restoreStore } from '../../store/sqlite/index.ts';
import { tell } from '../terminal/index.ts';
import { dataDirectory } from '../terminal/setting.ts';

/** `linkspan backup`: the store as one file, while the server runs. */
export function backupCommand(): Command {
  return new Command('backup')
    .summary('copy the store into one file, while the server runs')
    .description(
      'Copy the store into one file, while the server runs. The copy is of one moment. Secrets in it are sealed: ' +
        'keep the master key file of that day apart from it, or they are lost.',
    )
    .addOption(dataDirectory())
    .requiredOption('--file <file>', 'the backup; must not exist')
    .action(async ({ dataDir, file }: { readonly dataDir: string; readonly file: string }) => {
      process.umask(0o077);
      await backUpStore(dataDir, file);
      tell('linkspan backup', `${dataDir} is backed up in ${file}`);
    });
}

/** `linkspan restore`: a data directory out of a backup. */
export function restoreCommand(): Command {
  return new Command('restore')
    .summary('make a data directory of a backup')
    .description(
      'Make a data directory of a backup, where there is no store yet. Put the master key file of the backup beside it before the server starts.',
    )
    .addOption(dataDirectory())
    .requiredOption('--file <file>', 'the backup')
    .action(async ({ dataDir, file }: { readonly dataDir: string; readonly file: string }) => {
      process.umask(0o077);
      await restoreStore(file, dataDir);
      tell('linkspan restore', `${file} is restored in ${dataDir}`);
    });
}
