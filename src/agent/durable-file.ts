import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Replaces a file so that after a crash at any moment either the old or the new one is there, whole. Only this user may read it. */
export function writeDurably(file: string, text: string): void {
  const temporary = `${file}.new`;
  // One that a crash left there. `x` below: never into a file, or through a link, that somebody has put there since.
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  // The rename itself lasts only once the directory is on disk.
  const directory = openSync(dirname(file), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
