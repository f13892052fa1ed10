import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';

const OF_OTHERS = 0o077;
/** All but the permission of the group to read. */
const BEYOND_GROUP_READ = 0o037;

/**
 * Reads the text of a file that contains a secret.
 * @param advice  what the user should do about a file that other users may read
 * @throws Error with the reason: the file can't be read, or other users may read it
 */
export function readPrivateFile(file: string, advice: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const stats = fstatSync(descriptor);
    if (isExposed(stats, process.geteuid?.() ?? 0)) {
      throw new Error(`its mode is ${(stats.mode & 0o777).toString(8)}, so others may have read it: ${advice}`);
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Whether users other than `user` and root may read or write a file. A file of root may be readable by its group: that is how root gives a secret to a
 * service, and how Kubernetes mounts a Secret for a container without root. PostgreSQL has the same rule for its keys.
 */
export function isExposed({ mode, uid }: Pick<Stats, 'mode' | 'uid'>, user: number): boolean {
  const isOfRoot = uid === 0 && user !== 0;
  return (mode & (isOfRoot ? BEYOND_GROUP_READ : OF_OTHERS)) !== 0;
}
