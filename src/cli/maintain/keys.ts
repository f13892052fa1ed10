import { join } from 'node:path';
import { Command } from 'commander';
import {
  assertMasterKey,
  loadMasterKeys,
  newMasterKey,
  replaceMasterKeys,
  reseal,
  Sealer,
  ServerKeys,
  settleRestore,
  withAuditMacs,
} from '../../control/index.ts';
import { reach, systemClock, UserError } from '../../platform/index.ts';
import { openSqliteReader, openSqliteStore } from '../../store/sqlite/index.ts';
import { tell } from '../terminal/index.ts';
import { dataDirectory, masterKeyFile } from '../terminal/setting.ts';

interface KeysOptions {
  readonly dataDir: string;
  readonly masterKeyFile?: string;
}

/** A server looks every second, and seals thousands of values in another. */
const TAKE_UP_DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 200;

/** `linkspan keys`: the master key. */
export function keysCommand(): Command {
  const rotate = new Command('rotate')
    .summary('seal everything with a new master key, while the server runs or not')
    .description(
      'Seal everything with a new master key. A server that runs takes it up without a restart. Interrupted at any point, the same command goes on. ' +
        'Backups that were made before need the former key file: keep a copy with them.',
    )
    .addOption(dataDirectory())
    .addOption(masterKeyFile())
    .action(rotateMasterKey);
  return new Command('keys').summary('change the master key').addCommand(rotate);
}

/** First both keys are in the file, then everything is sealed with the new one, then the old one leaves the file. */
async function rotateMasterKey({ dataDir, masterKeyFile: given }: KeysOptions): Promise<void> {
  process.umask(0o077);
  const file = given ?? join(dataDir, 'master.key');
  const before = loadMasterKeys(file, false);
  // More than one: a rotation was interrupted, and goes on.
  const keys = before.length > 1 ? before : [newMasterKey(), ...before];
  if (keys !== before) replaceMasterKeys(file, keys);
  await reach('cli.keys.added');
  const sealer = new Sealer(keys);
  await sealEverything(dataDir, file, sealer);
  await reach('cli.keys.resealed');
  replaceMasterKeys(file, keys.slice(0, 1));
  tell('linkspan keys', `everything in ${dataDir} is sealed with the new master key in ${file}`);
}

/** By the server that has the store open, or else here. */
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
