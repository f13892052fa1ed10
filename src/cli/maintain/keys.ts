import { join } from 'node:path';
import { Command } from 'commander';
import {
  assertMasterKey,
  keepFormerMasterKey,
  loadMasterKeys,
  newMasterKey,
  replaceMasterKeys,
  reseal,
  Sealer,
  ServerKeys,
  settleRestore,
  withAuditMacs,
} from '../../control/index.ts';
import { failpoint, systemClock, UserError } from '../../platform/index.ts';
import { openSqliteReader, openSqliteStore } from '../../store/sqlite/index.ts';
import { reporting } from '../command-line/reporting.ts';
import { tell } from '../terminal/index.ts';
import { dataDirectory, masterKeyFile } from '../terminal/setting.ts';

interface KeysOptions {
  readonly dataDir: string;
  readonly masterKeyFile?: string;
}

/** A server checks the key file every second, and seals thousands of values in one more second. */
const TAKE_UP_DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 200;

/** `linkspan keys`: manages the master key. */
export function keysCommand(): Command {
  const rotate = new Command('rotate')
    .summary('Seal all secrets with a new master key')
    .description(
      'Seal all secrets with a new master key. A running server loads it without a restart. After an interruption, run the same command again to continue. ' +
        'The former key stays in a file beside it: earlier backups need it.',
    )
    .addOption(dataDirectory())
    .addOption(masterKeyFile());
  reporting(rotate, rotateMasterKey);
  return new Command('keys').description('Rotate the master key.').commandsGroup('Core commands:').addCommand(rotate);
}

/**
 * Keeps the former key in a file of its own, writes both keys to the file, seals all secrets with the new one, then removes the former one from the file.
 * A crash between the steps loses nothing.
 */
async function rotateMasterKey({ dataDir, masterKeyFile: given }: KeysOptions) {
  process.umask(0o077);
  const file = given ?? join(dataDir, 'master.key');
  const before = loadMasterKeys(file, false);
  // More than one key means that a rotation was interrupted; this one completes it.
  const keys = before.length > 1 ? before : [newMasterKey(), ...before];
  const kept = keys.slice(1).map((key) => keepFormerMasterKey(file, key, new Sealer([key]).mark));
  // The file is written also when the keys stay the same, because a server that failed to take them up reads the file again only after a change.
  replaceMasterKeys(file, keys);
  await failpoint('cli.keys.added');
  const sealer = new Sealer(keys);
  await sealEverything(dataDir, file, sealer);
  await failpoint('cli.keys.resealed');
  replaceMasterKeys(file, keys.slice(0, 1));
  tell('linkspan keys', `everything in ${dataDir} is sealed with the new master key in ${file}`);
  tell('linkspan keys', `earlier backups need the former key in ${kept.join(', ')}; delete it with the last of them`);
  return { facts: { masterKeyFile: file, formerMasterKeyFiles: kept } };
}

/** Seals all secrets with the new key, unless a server has the store open: then waits until the server has done it. */
async function sealEverything(directory: string, file: string, sealer: Sealer): Promise<void> {
  try {
    await using opened = openSqliteStore(directory);
    await assertMasterKey({ store: opened, sealer }, file);
    const store = withAuditMacs(opened, sealer);
    const parts = { store, sealer, clock: systemClock };
    await settleRestore(parts);
    await (await ServerKeys.open(parts)).rotate();
    await reseal(parts);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'DATA_DIRECTORY_IN_USE') throw error;
    await awaitServer(directory, sealer);
  }
}

async function awaitServer(directory: string, { mark }: Sealer): Promise<void> {
  using store = openSqliteReader(directory);
  const deadlineMs = systemClock.now() + TAKE_UP_DEADLINE_MS;
  while ((await store.valuesNotSealedAs(mark, 1)).length > 0) {
    if (systemClock.now() >= deadlineMs) {
      throw new UserError('KEY_ROTATION_NOT_TAKEN_UP', [directory, String(TAKE_UP_DEADLINE_MS / 1000)]);
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}
