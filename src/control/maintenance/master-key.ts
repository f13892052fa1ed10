import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, readPrivateFile, UserError } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';

const KEY_BYTES = 32;
const FILE_MODE = 0o600;

/**
 * The master keys of a file, a line each: 32 bytes in base64url. The first one seals; others are there while a rotation is under way. A file that
 * others than its owner may read is refused.
 * @param mayCreate  makes the file where there is none; only while nothing is sealed yet
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
    createMasterKey(file);
    return readMasterKeys(file);
  } catch (error) {
    throw unusable(file, error);
  }
}

/**
 * Puts other keys in the place of those in the file: at once, and durably.
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

export function newMasterKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * Checks that everything that is sealed can be opened with the master keys.
 * @param file  for the message
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
    throw unusable(file, new Error('it is not the key that this data directory was sealed with', { cause: error }));
  }
}

function readMasterKeys(file: string): Buffer[] {
  const lines = readPrivateFile(file, 'rotate it (linkspan keys rotate) after chmod 600').trim().split('\n');
  return lines.map((line) => {
    const text = line.trim();
    const key = Buffer.from(text, 'base64url');
    if (!/^[\w-]{43}=?$/.test(text) || key.length !== KEY_BYTES) {
      throw new Error(`it does not hold ${KEY_BYTES} bytes in base64url`);
    }
    return key;
  });
}

/** Complete and synced before it has its name: whatever is sealed with the key later, the key is there. */
function createMasterKey(file: string): void {
  const draft = writeDraft(file, [newMasterKey()]);
  // Unlike a rename, this never replaces a key that someone else has put there meanwhile.
  linkSync(draft, file);
  unlinkSync(draft);
  syncDirectory(file);
}

function writeDraft(file: string, keys: readonly Buffer[]): string {
  const draft = `${file}.${process.pid}.new`;
  rmSync(draft, { force: true });
  // `x`: never into a file, or through a link, that somebody has put there.
  const descriptor = openSync(draft, 'wx', FILE_MODE);
  try {
    writeSync(descriptor, keys.map((key) => `${key.toString('base64url')}\n`).join(''));
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
