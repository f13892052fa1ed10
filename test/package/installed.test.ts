import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runLinkspan } from '../support/linkspan-process.ts';
import { needsSource } from '../support/source-version.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { packedLinkspan } from './packed.ts';
import { withoutNpm } from './without-npm.ts';
import { withoutRegistry } from './without-registry.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const folder = temporaryFolder('installed');
after(() => folder[Symbol.dispose]());

/** Builds the package from a copy of the checkout, and installs it as a user does: `npm install --global FILE`, in an empty place. */
async function install(): Promise<{ readonly command: string; readonly printed: string }> {
  const file = await packedLinkspan(folder.path);
  const prefix = join(folder.path, 'prefix');
  mkdirSync(prefix);
  const options = { cwd: folder.path, env: { ...withoutNpm(), npm_config_prefix: prefix } };
  const flags = ['--global', '--prefer-offline', '--no-audit', '--no-fund'];
  const { stdout, stderr } = await run('npm', ['install', ...flags, file], options);
  return { command: join(prefix, 'bin/linkspan'), printed: stdout + stderr };
}

let installed: Awaited<ReturnType<typeof install>> | undefined;
const noRegistry = await withoutRegistry(async () => {
  installed = await install();
});
/** First in PATH, this Node.js shows who starts the system's instead of the package's. */
const noNode = join(folder.path, 'no-node');
mkdirSync(noNode);
writeFileSync(join(noNode, 'node'), '#!/bin/sh\necho "the system has no Node.js" >&2\nexit 9\n', { mode: 0o755 });
if (installed) process.env.LINKSPAN_TEST_PROGRAM = installed.command;
const PATH = `${noNode}${delimiter}${process.env.PATH}`;

test('the package installs without warnings, and runs on the Node.js that comes with it', {
  skip: noRegistry,
}, async () => {
  assert.doesNotMatch(installed?.printed ?? '', /warn/i);
  await using linkspan = runLinkspan(['--version'], { env: { PATH }, cwd: folder.path });
  assert.deepEqual([(await linkspan.exit).code, linkspan.stdout, linkspan.stderr], [0, `${version}\n`, '']);
});

test('the installed package serves the console, moves a cluster, cuts over, and goes back, with one command', {
  skip: noRegistry || needsSource('6.0', 'it has no write block'),
}, async () => {
  await using demo = runLinkspan(['demo'], { cwd: folder.path });
  const [, url = ''] = await demo.waitForLine(/linkspan serve runs at (\S+)/);
  assert.match(await (await fetch(url)).text(), /<title>Linkspan<\/title>/);
  const { code } = await demo.exit;
  assert.equal(code, 0, demo.stdout + demo.stderr);
  assert.match(demo.stdout, /documents of a generated web shop/);
  assert.match(demo.stdout, /^write pauses +\d+ ms, \d+ ms, \d+ ms: there, back, and there again$/m);
  assert.match(demo.stdout, /^identical +yes$/m);
});
