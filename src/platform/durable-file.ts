import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Replaces a file. After a crash at any moment, either the old or the new content is there. Only this user can read the file. */
export function writeDurably(file: string, text: string): void {
  const temporary = `${file}.new`;
  // Removes the leftovers of a crash. `x` below then refuses a file or link that another process has created since.
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    // Unlike `writeSync`, this never leaves a part of the text without an error when the disk fills up.
    // rule: write-whole-file
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  // The rename is durable only after an fsync of the directory.
  const directory = openSync(dirname(file), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
