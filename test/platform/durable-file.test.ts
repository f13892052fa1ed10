import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeDurably } from '../../src/platform/index.ts';
import { callOnFullDisk, FULL_AT_BYTES } from '../support/full-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a file that does not fit on the disk leaves the file that it would replace', () => {
  using folder = temporaryFolder('durable-file');
  const file = join(folder.path, 'link.json');
  writeDurably(file, 'the old content');
  const parameters = JSON.stringify([file, 'x'.repeat(2 * FULL_AT_BYTES)]);
  const error = callOnFullDisk(
    new URL('../../src/platform/durable-file.ts', import.meta.url),
    'writeDurably',
    parameters,
  );
  assert.equal(readFileSync(file, 'utf8'), 'the old content');
  assert.match(error, /EFBIG/);
  writeDurably(file, 'the new content');
  assert.equal(readFileSync(file, 'utf8'), 'the new content', 'the next attempt');
});
