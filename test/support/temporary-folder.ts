import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUpAtExit } from './exit-cleanup.ts';

const folders = new Set<string>();

/** A folder that is gone at the end of its scope, and in any case at the end of the process. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/** @param purpose becomes part of its name */
export function temporaryFolder(purpose: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `linkspan-${purpose}-`));
  folders.add(path);
  const remove = () => {
    // A server that is just being killed may still create a file between listing and removing.
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

/** Folders not removed yet, for the leak check. */
export function temporaryFolders(): string[] {
  return [...folders];
}
