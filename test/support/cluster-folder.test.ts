import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { clusterFolder } from './cluster-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MODULE = pathToFileURL(join(import.meta.dirname, 'cluster-folder.ts')).href;

/** Returns the folder that a process of its own gets, after that process has ended. */
function folderOfEnded(memory: string): string {
  const script = `
    const { clusterFolder } = await import(${JSON.stringify(MODULE)});
    const folder = clusterFolder(${JSON.stringify(memory)}, 0);
    if (!(await import('node:fs')).existsSync(folder)) throw new Error('it was not created');
    console.log(folder);`;
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }).trim();
}

test("the folder for servers' data is removed at the end of the process, or after a kill by the next one", () => {
  using memory = temporaryFolder('memory');
  const { pid } = spawnSync('true');
  const killed = join(memory.path, `linkspan-tests-${pid}`);
  const running = join(memory.path, `linkspan-tests-${process.pid}`);
  for (const folder of [killed, running]) mkdirSync(folder);
  const ended = folderOfEnded(memory.path);
  assert.match(ended, /linkspan-tests-\d+$/);
  assert.deepEqual([ended, killed, running].map(existsSync), [false, false, true]);
});

test('servers use the disk where memory is short or is no file system', () => {
  assert.equal(clusterFolder('/dev/shm', Number.MAX_SAFE_INTEGER), tmpdir());
  assert.equal(clusterFolder('/nowhere'), tmpdir());
});
