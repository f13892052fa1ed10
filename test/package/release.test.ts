import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cutChangelog } from '../../packaging/changelog.ts';
import { provenanceOf, sha256Of } from '../../packaging/provenance.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const AUTHOR = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];

test('a release sets the version everywhere, cuts the changelog, commits and tags, and refuses what would go wrong', async () => {
  using folder = temporaryFolder('release');
  const left = ['.git', 'node_modules', 'dist', 'test'].map((name) => join(ROOT, name));
  cpSync(ROOT, folder.path, { recursive: true, filter: (path) => !left.includes(path) });
  const git = async (...args: string[]) => (await run('git', [...AUTHOR, ...args], { cwd: folder.path })).stdout.trim();
  const names = { GIT_AUTHOR_NAME: 'Test', GIT_AUTHOR_EMAIL: 'test@example.com' };
  const env = { ...process.env, ...names, GIT_COMMITTER_NAME: 'Test', GIT_COMMITTER_EMAIL: 'test@example.com' };
  const release = (version: string) =>
    run(process.execPath, [join(folder.path, 'packaging/release.ts'), version], { env });
  const refused = async (version: string) =>
    await release(version).then(
      () => '',
      ({ stderr }) => stderr as string,
    );
  const read = (name: string) => readFileSync(join(folder.path, name), 'utf8');
  const changelog = join(folder.path, 'CHANGELOG.md');
  writeFileSync(
    changelog,
    read('CHANGELOG.md').replace('## [Unreleased]\n', '## [Unreleased]\n\n### Fixed\n\n- This.\n'),
  );
  await git('init', '--quiet');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'start');
  const { version: old } = JSON.parse(read('package.json'));

  assert.match(await refused('next'), /"next" is no version/);
  assert.match(await refused(old), /does not come after/);
  assert.match(await refused('0.0.9'), /does not come after/);
  appendFileSync(changelog, '\n');
  assert.match(await refused('99.0.0'), /not committed/);
  await git('checkout', '--quiet', 'CHANGELOG.md');

  await release('99.0.0');
  assert.equal(await git('describe', '--exact-match'), 'v99.0.0');
  assert.equal(await git('status', '--porcelain'), '');
  assert.equal(JSON.parse(read('package.json')).version, '99.0.0');
  assert.equal(JSON.parse(read('package-lock.json')).packages[''].version, '99.0.0');
  assert.match(read('CHANGELOG.md'), /^## \[Unreleased\]\n\n## \[99\.0\.0\] - \d{4}-\d\d-\d\d\n\n### /m);
  const images = [
    'deploy/Dockerfile',
    'deploy/compose.yaml',
    'deploy/compose.production.yaml',
    'docs/get-started/containers.md',
  ];
  for (const name of [...images, 'deploy/kubernetes/base/serve/serve.yaml']) {
    assert.ok(read(name).includes('99.0.0'), name);
    assert.ok(!read(name).includes(`linkspan:${old}`), name);
  }
  assert.match(await refused('99.0.1'), /CHANGELOG\.md has no entry/);
});

test('the changelog has one entry a line, perhaps with a table, in the groups of its form', () => {
  const text = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  const [, ...versions] = text.split(/^## /m);
  for (const part of versions) {
    const lines = part.split('\n').slice(1);
    const odd = lines.filter(
      (line) => !/^$|^- \S|^ {2}\|.*\|$|^### (Added|Changed|Deprecated|Removed|Fixed|Security)$/.test(line),
    );
    assert.deepEqual(odd, []);
  }
  const cut = cutChangelog('# C\n\n## [Unreleased]\n\n### Added\n\n- One.\n', '1.0.0', '2026-01-02');
  assert.equal(cut, '# C\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-02\n\n### Added\n\n- One.\n');
});

test('the provenance names each file with its digest, the commit, and the pinned packages, and is the same twice', () => {
  using folder = temporaryFolder('provenance');
  cpSync(join(ROOT, 'package-lock.json'), join(folder.path, 'package-lock.json'));
  const files = [join(ROOT, 'README.md'), join(ROOT, 'LICENSE')];
  const parameters = { version: '1.0.0', architectures: ['amd64'] };
  // biome-ignore lint/suspicious/noExplicitAny: JSON of a published form
  const { subject, predicate }: any = provenanceOf(ROOT, files, parameters);
  assert.deepEqual(subject, [
    { name: 'README.md', digest: { sha256: sha256Of(files[0] ?? '') } },
    { name: 'LICENSE', digest: { sha256: sha256Of(files[1] ?? '') } },
  ]);
  assert.deepEqual(predicate.buildDefinition.externalParameters, parameters);
  assert.deepEqual(provenanceOf(ROOT, files, parameters), provenanceOf(ROOT, files, parameters));
  const withoutHistory = JSON.stringify(provenanceOf(folder.path, files, parameters));
  assert.match(withoutHistory, /"name":"package-lock\.json"/);
  assert.doesNotMatch(withoutHistory, /gitCommit/);
});
