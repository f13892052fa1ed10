import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BUILT, writeDocuments } from '../docs/documents.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Files that commands of the documentation create when a reader runs them in the checkout. All may contain secrets. */
const SECRETS = [
  'agent.yaml',
  'sync.yaml',
  'profiles.yaml',
  'linkspan-agent/agent.key',
  'linkspan-agent/link.json',
  'linkspan-data/master.key',
  'linkspan-data/linkspan.db',
  'restored/linkspan.db',
  'restored/linkspan.db-wal',
  'backup.db',
  'bundle.json',
  'master.key',
  'server.pem',
  '.env',
  'deploy/linkspan-agent/agent.key',
  'deploy/secrets/source',
  'docs/linkspan-data/master.key',
  'src/cli/agent.yaml',
  'src/cli/tls.key',
  'dist/agent.yaml',
];

/** Copies the checkout without installed and built files, and puts a file with secrets at each place of {@link SECRETS}. */
function plantSecrets(folder: string): void {
  const left = ['.git', 'node_modules', 'linkspan-data', 'dist'];
  cpSync(ROOT, folder, { recursive: true, filter: (path) => !left.includes(basename(path)) });
  for (const file of SECRETS) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), 'secret');
  }
  for (const file of ['dist/console/index.html', 'dist/program/launch.js']) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), 'built');
  }
  writeDocuments(BUILT, folder);
}

test('npm pack includes the program, its documentation and the deployment files, and no secret from the checkout', async () => {
  using folder = temporaryFolder('packed');
  plantSecrets(folder.path);
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: folder.path });
  const [pack] = Object.values<{ readonly files: readonly { readonly path: string }[] }>(JSON.parse(stdout));
  const packed = pack?.files.map(({ path }) => path) ?? [];
  assert.deepEqual(
    packed.filter((path) => SECRETS.includes(path)),
    [],
  );
  const intended = [
    /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|(SECURITY|SUPPORT)\.md)$/,
    /^bin\/linkspan$/,
    /^dist\/program\/launch\.js$/,
    /^dist\/console\/index\.html$/,
    /^docs\/(.+\.md|examples\/(digest\.py|verify-hook\.(py|mjs))|reference\/(cutover-report|digest-report|hook-event|verification-report)\.schema\.json)$/,
    /^deploy\/(Dockerfile|image\/linkspan(-health)?|agent\.yaml|agent\.schema\.json|fleet\.yaml|compose(\.agent)?(\.production)?\.yaml|kubernetes\/base\/[a-z-]+\/[a-z-]+\.yaml|kubernetes\/overlays\/[a-z-]+\/(mover-\d\/)?(kustomization|configuration)\.yaml|linkspan-(agent|serve|sync@)\.service|grafana\/linkspan\.json|prometheus\/(alerts|rules)\.yml)$/,
  ];
  assert.deepEqual(
    packed.filter((path) => !intended.some((pattern) => pattern.test(path))),
    [],
  );
  assert.deepEqual(
    Object.keys(BUILT).filter((path) => !packed.includes(path)),
    [],
  );
  for (const pattern of intended)
    assert.ok(
      packed.some((path) => pattern.test(path)),
      `nothing matches ${pattern}`,
    );
});

test('git ignores every secret that commands of the documentation leave in the checkout', async () => {
  using folder = temporaryFolder('ignored');
  plantSecrets(folder.path);
  await run('git', ['init', '--quiet'], { cwd: folder.path });
  const { stdout } = await run('git', ['ls-files', '--others', '--exclude-standard'], { cwd: folder.path });
  const seen = stdout.split('\n');
  assert.deepEqual(
    SECRETS.filter((file) => seen.includes(file)),
    [],
  );
  assert.ok(seen.includes('deploy/agent.yaml'), 'the shipped configuration belongs to the repository');
});

test('the README keeps the files of its example outside the checkout', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const directories = [...readme.matchAll(/--data-dir (\S+)/g)].map(([, path = '']) => path);
  const configurations = [...readme.matchAll(/--config (\S+)/g)].map(([, path = '']) => path);
  assert.ok(directories.length > 0 && configurations.length > 0);
  for (const path of [...directories, ...configurations]) assert.match(path, /^~\//);
  assert.doesNotMatch(readme, /^npm start$/m, 'npm start alone keeps its data in the checkout');
});
