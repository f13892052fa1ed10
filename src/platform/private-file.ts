import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

const OF_OTHERS = 0o077;

/**
 * The text of a file that holds a secret.
 * @param advice  what to do about a file that others than its owner may read
 * @throws Error with the reason: it can't be read, or others may read it
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
