import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLogFile } from '../../../src/cli/terminal/log-file.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a directory that cannot be made is refused by name', () => {
  using folder = temporaryFolder('log');
  writeFileSync(join(folder.path, 'file'), '');
  const directory = join(folder.path, 'file', 'log');
  assert.throws(() => openLogFile(directory, 'info'), { code: 'LOG_PATH_UNUSABLE', message: /ENOTDIR/ });
});
