import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PushSetup } from '../end-to-end/push-setup.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { runLinkspan } from '../support/linkspan-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
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

test('the installed package moves a cluster, serves the console, and cuts over', {
  skip: noRegistry || needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(1000, {}));
  await using setup = await PushSetup.create(pair);
  await setup.serve();
  await setup.register(pair);
  setup.agent();
  await setup.start();
  const page = await (await fetch(setup.variables.LINKSPAN_URL ?? '')).text();
  assert.match(page, /<title>Linkspan<\/title>/);
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await setup.cutOver();
  await setup.until('complete', ({ status }) => status === 'COMPLETE');
  await expectIdentical(pair);
});
