import { Command, InvalidArgumentError, Option } from 'commander';
import { messageOf, systemClock } from '../../platform/index.ts';
import { backUpStore, followStore, restoreStore } from '../../store/sqlite/index.ts';
import { reporting } from '../command-line/reporting.ts';
import { catchSignals } from '../command-line/signals.ts';
import { tell } from '../terminal/index.ts';
import { dataDirectory } from '../terminal/setting.ts';

interface StoreFlags {
  readonly dataDir: string;
  readonly file: string;
}

interface BackupFlags extends StoreFlags {
  readonly follow?: true;
  /** Seconds. */
  readonly every: number;
}

/** `linkspan backup`: copies the store into one file while the server runs. */
export function backupCommand(): Command {
  const command = new Command('backup')
    .description(
      'Copy the store into one file while the server runs. The copy is a consistent snapshot. Its secrets are sealed: ' +
        'keep the current master key file elsewhere, because without it they are lost.',
    )
    .addOption(dataDirectory())
    .requiredOption('--file <file>', 'File to write; must not exist, unless it is a backup and --follow is given')
    .option('--follow', 'Copy again after changes, until the command is ended')
    .addOption(
      new Option('--every <seconds>', 'Shortest time between two copies of --follow')
        .argParser(parseSeconds)
        .default(10),
    );
  return reporting<BackupFlags>(command, async ({ dataDir, file, follow, every }) => {
    process.umask(0o077);
    const say = (text: string) => tell('linkspan backup', text);
    const copies = follow ? await keepCopying(dataDir, file, every, say) : await backUpStore(dataDir, file);
    if (!follow) say(`${dataDir} is backed up in ${file}`);
    return { facts: { file, ...(copies !== undefined && { copies }) } };
  });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,4}$/.test(text) || seconds < 1 || seconds > 3_600)
    throw new InvalidArgumentError('It is not a whole number from 1 to 3600.');
  return seconds;
}

/** @returns the number of copies */
async function keepCopying(
  directory: string,
  file: string,
  everySeconds: number,
  say: (text: string) => void,
): Promise<number> {
  using signals = catchSignals();
  let copies = 0;
  let isFailing = true;
  await followStore(directory, file, {
    everyMs: everySeconds * 1_000,
    clock: systemClock,
    signal: signals.signal,
    copied: () => {
      copies += 1;
      if (isFailing) say(`${directory} is backed up in ${file}, and again after each change`);
      isFailing = false;
    },
    failed: (error) => {
      if (!isFailing) say(`${messageOf(error)} The copy before stays; trying again.`);
      isFailing = true;
    },
  });
  return copies;
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
