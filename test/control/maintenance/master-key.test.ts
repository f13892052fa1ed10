import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadMasterKeys } from '../../../src/control/maintenance/master-key.ts';
import { callOnFullDisk, FULL_AT_BYTES } from '../../support/full-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const MODULE = new URL('../../../src/control/maintenance/master-key.ts', import.meta.url);
const KEY_BYTES = 32;

test('new master keys that do not fit on the disk leave the keys that they would replace', () => {
  using folder = temporaryFolder('master-key');
  const file = join(folder.path, 'master.key');
  const before = loadMasterKeys(file, true);
  const keys = `[${JSON.stringify(file)}, Array.from({ length: ${FULL_AT_BYTES / KEY_BYTES} }, () => Buffer.alloc(${KEY_BYTES}))]`;
  const error = callOnFullDisk(MODULE, 'replaceMasterKeys', keys);
  assert.deepEqual(loadMasterKeys(file, false), before);
  assert.match(error, /EFBIG/);
});
