import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

/** Copies all files under version control in their current state. @param root the repository */
export function repositoryCopy(root: string): TemporaryFolder {
  const folder = temporaryFolder('mutant');
  const files = execFileSync('git', ['ls-files', '-z', 'src', 'test', 'bin', 'package.json'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(folder.path, file)), { recursive: true });
    cpSync(join(root, file), join(folder.path, file));
  }
  symlinkSync(join(root, 'node_modules'), join(folder.path, 'node_modules'));
  return folder;
}
