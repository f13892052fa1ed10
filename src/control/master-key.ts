import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, UserError } from '../platform/index.ts';
import type { Control } from './control.ts';

const KEY_BYTES = 32;
const FILE_MODE = 0o600;

/**
 * The master key of a file: 32 bytes in base64url.
 * @param mayCreate  makes the file where there is none; only while nothing is sealed yet
 * @throws UserError MASTER_KEY_UNUSABLE
 */
export function loadMasterKey(file: string, mayCreate: boolean): Buffer {
  try {
    return readMasterKey(file);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing || !mayCreate) throw unusable(file, error);
  }
  try {
    createMasterKey(file);
    return readMasterKey(file);
  } catch (error) {
    throw unusable(file, error);
  }
}

/**
 * Checks that what is stored can be opened with the master key.
 * @param file  for the message
 * @throws UserError MASTER_KEY_UNUSABLE
 */
export async function assertMasterKey({ store, sealer }: Control, file: string): Promise<void> {
  for (const organization of await store.organizations()) {
    for (const { id, verifiers } of await store.apiKeysOf(organization.id)) {
      try {
        sealer.open(verifiers, { table: 'api_keys', id, field: 'verifiers' });
      } catch (error) {
        throw unusable(file, new Error('it is not the key that this data directory was sealed with', { cause: error }));
      }
    }
  }
}

function readMasterKey(file: string): Buffer {
  const text = readFileSync(file, 'utf8').trim();
  const key = Buffer.from(text, 'base64url');
  if (!/^[\w-]{43}=?$/.test(text) || key.length !== KEY_BYTES) {
    throw new Error(`it does not hold ${KEY_BYTES} bytes in base64url`);
  }
  return key;
}

/** Complete and synced before it has its name: whatever is sealed with the key later, the key is there. */
function createMasterKey(file: string): void {
  const draft = `${file}.${process.pid}.new`;
  const descriptor = openSync(draft, 'wx', FILE_MODE);
  try {
    writeSync(descriptor, `${randomBytes(KEY_BYTES).toString('base64url')}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  // Unlike a rename, this never replaces a key that someone else has put there meanwhile.
  linkSync(draft, file);
  unlinkSync(draft);
  const directory = openSync(dirname(file), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

function unusable(file: string, error: unknown): UserError {
  return new UserError('MASTER_KEY_UNUSABLE', [file, messageOf(error)], { cause: error });
}
