import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

const OF_OTHERS = 0o077;

/**
 * Reads the text of a file that contains a secret.
 * @param advice  what the user should do about a file that other users may read
 * @throws Error with the reason: the file can't be read, or other users may read it
 */
export function readPrivateFile(file: string, advice: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const { mode } = fstatSync(descriptor);
    if ((mode & OF_OTHERS) !== 0) {
      throw new Error(`its mode is ${(mode & 0o777).toString(8)}, so others may have read it: ${advice}`);
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}
