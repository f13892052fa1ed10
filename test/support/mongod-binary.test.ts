import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findMongod } from './mongod-binary.ts';
import { temporaryFolder } from './temporary-folder.ts';

const finder = new URL('./mongod-binary.ts', import.meta.url).href;

/** Returns what a process with only this environment finds: the origin, or the name and message of the error. */
function findIn(env: Record<string, string>): string {
  const script = `
    const { findMongod } = await import(${JSON.stringify(finder)});
    console.log(await findMongod().then(({ origin }) => origin, (error) => error.name + ': ' + error.message));`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env,
  }).stdout.trim();
}

/** Creates a program that prints a mongod's version. */
function writeFake(folder: string, name: string, version: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho 'db version v${version}'\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the search for a mongod', () => {
  it('uses the mongod that is named', () => {
    using folder = temporaryFolder('search');
    const path = writeFake(folder.path, 'my-mongod', '7.0.1');
    assert.equal(findIn({ LINKSPAN_MONGOD: path }), 'mongod 7.0.1 from LINKSPAN_MONGOD');
  });

  it('does not search further when the named one does not run', () => {
    assert.match(
      findIn({ LINKSPAN_MONGOD: '/no/such/mongod' }),
      /^MongodUnavailable: LINKSPAN_MONGOD is \/no\/such\/mongod/,
    );
  });

  it('uses one from PATH that is new enough', () => {
    using old = temporaryFolder('search');
    using recent = temporaryFolder('search');
    writeFake(old.path, 'mongod', '4.4.29');
    const path = writeFake(recent.path, 'mongod', '8.0.4');
    assert.equal(findIn({ PATH: `${old.path}:${recent.path}` }), `mongod 8.0.4 from PATH (${path})`);
  });

  it('explains in one sentence how to provide one when there is none, and leaves no files', () => {
    using cache = temporaryFolder('search');
    const found = findIn({ PATH: '', LINKSPAN_CACHE_DIR: cache.path, MONGOMS_RUNTIME_DOWNLOAD: 'false' });
    assert.match(found, /^MongodUnavailable: No mongod .*PATH.*LINKSPAN_MONGOD.*pip.*\.$/);
    assert.deepEqual(readdirSync(cache.path), []);
  });

  it('uses an earlier download instead of fetching again', async () => {
    using cache = temporaryFolder('search');
    const folder = join(cache.path, 'mongod-6.0.5');
    spawnSync('mkdir', [folder]);
    writeFake(folder, 'mongod', '6.0.5');
    const found = findIn({ PATH: '', LINKSPAN_CACHE_DIR: cache.path, MONGOMS_RUNTIME_DOWNLOAD: 'false' });
    assert.match(found, /^mongod 6\.0\.5 from the PyPI wheel, cached in /);
  });

  it('returns an existing one for these tests', async () => {
    assert.ok(existsSync((await findMongod()).path));
  });
});
