import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, readPrivateFile, UserError } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';

const KEY_BYTES = 32;
const FILE_MODE = 0o600;

/**
 * Reads the master keys of a file, one per line: 32 bytes in base64url. The first one seals; the file has others during a rotation.
 * Refuses a file that other users may read.
 * @param mayCreate  whether to create a missing file; only allowed while nothing is sealed
 * @throws UserError MASTER_KEY_UNUSABLE
 */
export function loadMasterKeys(file: string, mayCreate: boolean): readonly Buffer[] {
  try {
    return readMasterKeys(file);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing || !mayCreate) throw unusable(file, error);
  }
  try {
    createKeyFile(file, newMasterKey());
    return readMasterKeys(file);
  } catch (error) {
    throw unusable(file, error);
  }
}

/**
 * Replaces the keys of the file, atomically and durably.
 * @throws UserError MASTER_KEY_UNUSABLE
 */
export function replaceMasterKeys(file: string, keys: readonly Buffer[]): void {
  try {
    const draft = writeDraft(file, keys);
    renameSync(draft, file);
    syncDirectory(file);
  } catch (error) {
    throw unusable(file, error);
  }
}

/**
 * Keeps a key that is rotated out in a file of its own beside the file of the keys, where no server reads it. A file that exists is never replaced.
 * @param mark  tells the key from others
 * @returns the path
 * @throws UserError MASTER_KEY_UNUSABLE
 */
export function keepFormerMasterKey(file: string, key: Buffer, mark: string): string {
  const kept = `${file}.former-${mark}`;
  try {
    if (!existsSync(kept)) createKeyFile(kept, key);
    if (!readMasterKeys(kept).every((one) => one.equals(key))) throw new Error('it has another key');
    return kept;
  } catch (error) {
    throw unusable(kept, error);
  }
}

export function newMasterKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * Checks that the master keys open all sealed values.
 * @param file  path for the error message
 * @throws UserError MASTER_KEY_UNUSABLE
 */
export async function assertMasterKey(
  { store, sealer }: Pick<Control, 'store' | 'sealer'>,
  file: string,
): Promise<void> {
  try {
    // No value has the empty mark, so these are all.
    for (const { place, value } of await store.valuesNotSealedAs('', Number.MAX_SAFE_INTEGER))
      sealer.open(value, place);
  } catch (error) {
    throw unusable(file, new Error('it is not the key that sealed this data directory', { cause: error }));
  }
}

function readMasterKeys(file: string): Buffer[] {
  const lines = readPrivateFile(file, 'rotate it (linkspan keys rotate) after chmod 600').trim().split('\n');
  return lines.map((line) => {
    const text = line.trim();
    const key = Buffer.from(text, 'base64url');
    if (!/^[\w-]{43}=?$/.test(text) || key.length !== KEY_BYTES) {
      throw new Error(`it does not contain ${KEY_BYTES} bytes in base64url`);
    }
    return key;
  });
}

/** Creates a file. It is complete and synced before it gets its name, so that no value is sealed with a key that a crash loses. */
function createKeyFile(file: string, key: Buffer): void {
  const draft = writeDraft(file, [key]);
  // Unlike a rename, a link never replaces a key that another process has created meanwhile.
  linkSync(draft, file);
  unlinkSync(draft);
  syncDirectory(file);
}

function writeDraft(file: string, keys: readonly Buffer[]): string {
  const draft = `${file}.${process.pid}.new`;
  rmSync(draft, { force: true });
  // The flag `x` never opens an existing file or follows a link that another user has created.
  const descriptor = openSync(draft, 'wx', FILE_MODE);
  try {
    // Unlike `writeSync`, this never leaves a part of the keys without an error when the disk fills up.
    writeFileSync(descriptor, keys.map((key) => `${key.toString('base64url')}\n`).join(''));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return draft;
}

function syncDirectory(file: string): void {
  const directory = openSync(dirname(file), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

function unusable(file: string, error: unknown): UserError {
  return new UserError('MASTER_KEY_UNUSABLE', [file, messageOf(error)], { cause: error });
}
