import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUpAtExit } from './exit-cleanup.ts';

const folders = new Set<string>();

/** A folder that is removed at the end of its scope, or at the latest at the end of the process. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/**
 * @param purpose becomes part of its name
 * @param parent  the system's folder for temporary files by default
 */
export function temporaryFolder(purpose: string, parent = tmpdir()): TemporaryFolder {
  const path = mkdtempSync(join(parent, `linkspan-${purpose}-`));
  folders.add(path);
  const remove = () => {
    // A server that is being killed may create a file between the listing and the removal.
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    folders.delete(path);
  };
  const forget = cleanUpAtExit(remove);
  return {
    path,
    [Symbol.dispose]: () => {
      remove();
      forget();
    },
  };
}

/** Returns the folders that still exist, for the leak check. */
export function temporaryFolders(): string[] {
  return [...folders];
}
