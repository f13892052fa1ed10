import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildVersion, distributionVersion } from '../../packaging/build-version.ts';
import { makeNpmPackage } from '../../packaging/npm-package.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The semver that npm packages of this checkout use. */
const semver: { compare(a: string, b: string): number } = createRequire(
  createRequire(import.meta.url).resolve('mongodb-memory-server-core'),
)('semver');
/** @returns its stdout @throws Error when it fails */
const runTool = (tool: string, args: readonly string[]) => execFileSync(tool, args, { encoding: 'utf8' });
const isMissing = (tool: string) => spawnSync(tool, ['--version']).error !== undefined && `${tool} is not installed`;

/** A release 1.2.3, two later commits, and the next release, in the order of their times. */
async function versionsOfHistory(checkout: string): Promise<string[]> {
  const git = (time: string, ...args: string[]) => {
    const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
    const env = { ...process.env, GIT_COMMITTER_DATE: time, GIT_AUTHOR_DATE: time };
    execFileSync('git', [...author, ...args], { cwd: checkout, env, stdio: 'pipe' });
  };
  const commit = (time: string, version: string) => {
    writeFileSync(join(checkout, 'package.json'), JSON.stringify({ name: 'linkspan', version, files: ['bin'] }));
    git(time, 'add', '--all');
    git(time, 'commit', '--quiet', '--allow-empty', '--message', 'change');
  };
  git('', 'init', '--quiet');
  const versions = [];
  for (const [time, version, tag] of [
    ['2026-01-01T23:59:58+00:00', '1.2.3', 'v1.2.3'],
    ['2026-01-01T23:59:59+00:00', '1.2.3'],
    ['2026-01-02T02:00:00+02:00', '1.2.3'],
    ['2026-01-03T00:00:00+00:00', '1.2.4', 'v1.2.4'],
  ] as const) {
    commit(time, version);
    if (tag !== undefined) git(time, 'tag', tag);
    versions.push(buildVersion(checkout));
  }
  return versions;
}

const folder = temporaryFolder('build-version');
after(() => folder[Symbol.dispose]());
const checkout = join(folder.path, 'checkout');
mkdirSync(checkout);
const versions = await versionsOfHistory(checkout);
const pairs = versions.slice(1).map((later, n) => [versions[n] ?? '', later] as const);

test('a commit between releases has a version after the last release and earlier commits, and before the next release', () => {
  assert.deepEqual(versions, ['1.2.3', '1.2.4-dev.20260101235959', '1.2.4-dev.20260102000000', '1.2.4']);
  for (const [earlier, later] of pairs) assert.equal(semver.compare(earlier, later), -1, `${earlier} < ${later}`);
});

test('dpkg sees an upgrade from each build to the next', { skip: isMissing('dpkg') }, () => {
  for (const pair of pairs) {
    const [earlier, later] = pair.map(distributionVersion);
    runTool('dpkg', ['--compare-versions', earlier ?? '', 'lt', later ?? '']);
  }
});

test('rpm sees an upgrade from each build to the next', { skip: isMissing('rpm') }, () => {
  for (const pair of pairs) {
    const [earlier, later] = pair.map(distributionVersion);
    const order = runTool('rpm', ['--eval', `%{lua:print(rpm.vercmp("${earlier}", "${later}"))}`]);
    assert.equal(order.trim(), '-1', `${earlier} < ${later}`);
  }
});

test('the npm package has the version of its commit, and sources without history that of package.json', async () => {
  using nested = temporaryFolder('no-history');
  const [copy, inside] = [join(nested.path, 'copy'), join(checkout, 'inside')];
  for (const place of [copy, inside]) {
    mkdirSync(place);
    writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'linkspan', version: '1.2.3' }));
    assert.equal(buildVersion(place), '1.2.3', 'also inside of another repository');
  }
  execFileSync('git', ['checkout', '--quiet', 'HEAD~1'], { cwd: checkout });
  const file = await makeNpmPackage(checkout, nested.path);
  assert.equal(file, join(nested.path, 'linkspan-1.2.4-dev.20260102000000.tgz'));
  const manifest = execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' });
  assert.equal(JSON.parse(manifest).version, '1.2.4-dev.20260102000000');
});
