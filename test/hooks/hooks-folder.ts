import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

/** A folder with a hooks file and the secret of its webhooks. */
export interface HooksFolder extends TemporaryFolder {
  readonly secret: string;
  readonly secretFile: string;
  /** Writes the hooks file. @returns its path */
  write(content: object): string;
}

export function hooksFolder(): HooksFolder {
  const folder = temporaryFolder('hooks');
  const secret = newSecret();
  const secretFile = join(folder.path, 'hook.secret');
  writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
  return {
    ...folder,
    secret,
    secretFile,
    write: (content) => {
      const file = join(folder.path, 'hooks.yaml');
      // YAML includes JSON.
      writeFileSync(file, JSON.stringify(content));
      return file;
    },
  };
}

export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}
