import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { ownArchitecture } from '../../packaging/architectures.ts';
import { makeDeb } from '../../packaging/deb.ts';
import { makeProgramTree } from '../../packaging/program-tree.ts';
import { makeRpm } from '../../packaging/rpm.ts';
import { packTarball } from '../../packaging/tarball.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { builtCopy } from './built-copy.ts';
import { DebianMachine, noMachines } from './debian-machine.ts';
import { withoutRegistry } from './without-registry.ts';

const run = promisify(execFile);
const OPTIONS = { architecture: ownArchitecture(), builtAt: 1_700_000_000 };
const noRpm =
  (spawnSync('rpmbuild', ['--version']).error !== undefined && 'rpmbuild is not installed') ||
  (process.getuid?.() !== 0 && 'only root can install into another root');
const noDpkg = spawnSync('dpkg-deb', ['--version']).error !== undefined && 'dpkg-deb is not installed';

const folder = temporaryFolder('packages');
after(() => folder[Symbol.dispose]());
const copy = join(folder.path, 'checkout');
await builtCopy(copy);
const { version } = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'));
const tree = join(folder.path, `linkspan-${version}`);
const noRegistry = await withoutRegistry(() => makeProgramTree(copy, tree, OPTIONS));
const deb = noRegistry || noDpkg ? '' : await makeDeb(tree, join(folder.path, 'deb'), OPTIONS, folder.path);

/** Runs a program with a PATH that has no Node.js. */
async function shownBy(file: string, ...args: string[]): Promise<string> {
  const tools = join(folder.path, 'tools');
  if (!existsSync(tools)) {
    mkdirSync(tools);
    for (const tool of ['sh', 'readlink', 'dirname']) await run('ln', ['-s', `/usr/bin/${tool}`, join(tools, tool)]);
  }
  const { stdout, stderr } = await run(file, args, { cwd: '/', env: { PATH: tools } });
  assert.equal(stderr, '');
  return stdout;
}

test('a tarball is unpacked and runs, on a machine without Node.js, and has the same bytes when it is made again', {
  skip: noRegistry,
}, async () => {
  const [file, docs, again] = ['all', 'docs', 'again'].map((name) => join(folder.path, `${name}.tar.gz`));
  assert.ok(file && docs && again);
  await packTarball(tree, OPTIONS.builtAt, file);
  // The whole takes long; a part with files and folders shows it as well.
  await packTarball(join(tree, 'docs'), OPTIONS.builtAt, docs);
  await run('find', [join(tree, 'docs'), '-exec', 'touch', '{}', '+']);
  await packTarball(join(tree, 'docs'), OPTIONS.builtAt, again);
  assert.ok(readFileSync(docs).equals(readFileSync(again)));
  const place = join(folder.path, 'unpacked');
  mkdirSync(place);
  await run('tar', ['-xzf', file, '-C', place]);
  assert.equal(await shownBy(join(place, `linkspan-${version}/bin/linkspan`), '--version'), `${version}\n`);
  const modules = readdirSync(join(place, `linkspan-${version}/node_modules`));
  assert.deepEqual(
    modules.filter((name) => ['typescript', 'vite', 'playwright-core'].includes(name)),
    [],
  );
});

test('a Debian package installs the program and its units, and a purge leaves nothing behind', {
  skip: noRegistry || noDpkg,
}, async () => {
  const root = join(folder.path, 'machine');
  const admin = join(root, 'var/lib/dpkg');
  for (const part of ['updates', 'info', 'triggers']) mkdirSync(join(admin, part), { recursive: true });
  await run('touch', [join(admin, 'status')]);
  const flags = [
    `--root=${root}`,
    '--force-not-root',
    '--force-depends',
    '--force-script-chrootless',
    '--log=/dev/null',
  ];
  await run('dpkg', [...flags, '--install', deb]);
  assert.equal(await shownBy(join(root, 'opt/linkspan/bin/linkspan'), '--version'), `${version}\n`);
  const units = readdirSync(join(root, 'usr/lib/systemd/system'));
  assert.deepEqual(units, ['linkspan-agent.service', 'linkspan-serve.service', 'linkspan-sync@.service']);
  await run('dpkg', [...flags, '--purge', 'linkspan']);
  for (const path of ['opt/linkspan', 'usr/bin/linkspan', 'usr/lib/systemd/system/linkspan-agent.service'])
    assert.ok(!existsSync(join(root, path)), path);
});

test('systemd runs the services of a Debian package, restarts them at an upgrade, and stops them at a removal', async (t) => {
  const missing = noRegistry || noDpkg || noMachines;
  if (missing) return t.skip(missing);
  using disk = temporaryFolder('machine');
  using booted = new DisposableStack();
  const machine = await DebianMachine.boot(disk.path);
  if (typeof machine === 'string') return t.skip(machine);
  booted.use(machine);
  cpSync(deb, join(disk.path, 'linkspan.deb'));
  const install = () => machine.run('dpkg', '--force-unsafe-io', '--install', '/linkspan.deb');
  const [serve, agent, sync] = ['linkspan-serve', 'linkspan-agent', 'linkspan-sync@orders'];
  const processOf = (service: string) => machine.run('systemctl', 'show', '--property=MainPID', '--value', service);
  const logged = (service: string, text: RegExp) =>
    eventually(async () => text.exec(await machine.run('journalctl', '--output=cat', `--unit=${service}`)), {
      what: `${text} in the log of ${service}`,
      pollMs: 200,
    });
  const isAnother = async (service: string, before: string) => {
    const now = await processOf(service);
    return now !== '0' && now !== before;
  };

  await install();
  assert.equal(await processOf(serve), '0', 'nothing is started before it is configured');
  await machine.run('systemctl', 'start', serve);
  const [, settings = ''] = await logged(serve, /^export (LINKSPAN_URL=.*)$/m);
  await logged(serve, /ready at/);
  const token = await machine.run('sh', '-c', `${settings} linkspan link-token create --output json`);
  machine.write('etc/linkspan/link-token', JSON.parse(token).linkToken);
  machine.write('etc/linkspan/source-password', 'password');
  const configuration = readFileSync(join(copy, 'deploy/agent.yaml'), 'utf8');
  await machine.run('chmod', '755', '/etc/linkspan');
  writeFileSync(machine.path('etc/linkspan/agent.yaml'), configuration.replace(/&tls=true\n.*tlsCaFile.*\n/, '\n'));
  await machine.run('systemctl', 'start', agent);
  await logged(agent, /linked to organization/);

  machine.write(
    'etc/linkspan/sync/orders.yaml',
    'cluster0: mongodb://127.0.0.1:1/\ncluster1: mongodb://127.0.0.1:2/\n',
  );
  await machine.run('systemctl', 'start', sync);
  await logged(sync, /API is ready/);

  const killed = await processOf(agent);
  await machine.run('systemctl', 'kill', '--signal=KILL', '--kill-whom=main', agent);
  await eventually(() => isAnother(agent, killed), { what: 'the agent to be started again' });

  const [oldServe, oldAgent, oldSync] = [await processOf(serve), await processOf(agent), await processOf(sync)];
  await install();
  assert.ok((await isAnother(serve, oldServe)) && (await isAnother(agent, oldAgent)));
  assert.equal(await processOf(sync), oldSync, 'an operator would have to start its migration again');
  await machine.run('systemctl', 'stop', agent);
  await install();
  assert.equal(await processOf(agent), '0', 'what was stopped stays so');

  await machine.run('dpkg', '--purge', 'linkspan');
  assert.equal(await processOf(serve), '0');
  assert.equal(await processOf(sync), '0');
});

test('an RPM package has the same bytes when it is made again, installs the same files, and leaves nothing behind', {
  skip: noRegistry || noRpm,
}, async () => {
  const [first, again] = await Promise.all(
    ['first', 'again'].map((name) => makeRpm(tree, join(folder.path, name), OPTIONS, join(folder.path, name))),
  );
  assert.ok(first && again);
  assert.ok(readFileSync(first).equals(readFileSync(again)));
  const root = join(folder.path, 'rpm-machine');
  await run('rpm', ['--root', root, '--initdb']);
  await run('rpm', ['--root', root, '--nodeps', '--install', first]);
  assert.equal(await shownBy(join(root, 'opt/linkspan/bin/linkspan'), '--version'), `${version}\n`);
  const units = readdirSync(join(root, 'usr/lib/systemd/system'));
  assert.deepEqual(units, ['linkspan-agent.service', 'linkspan-serve.service', 'linkspan-sync@.service']);
  const cache = join(root, 'opt/linkspan/node_modules/.cache/linkspan');
  assert.ok(existsSync(cache), 'the program has cached its compiled code');
  await run('rpm', ['--root', root, '--erase', 'linkspan']);
  for (const path of ['opt/linkspan', 'usr/bin/linkspan', 'usr/lib/systemd/system/linkspan-agent.service'])
    assert.ok(!existsSync(join(root, path)), path);
});
