import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { readAgentConfiguration } from '../../src/agent/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { BUILT } from './documents.ts';

const shipped = (name: string) => new URL(`../../deploy/${name}`, import.meta.url).pathname;

test('deploy/agent.schema.json accepts the shipped file and names errors', () => {
  const schema = BUILT['deploy/agent.schema.json']?.('') ?? '';
  const check = new Ajv2020({ allErrors: true }).compile(JSON.parse(schema));
  const good: Record<string, unknown> = parse(readFileSync(shipped('agent.yaml'), 'utf8'));
  assert.ok(check(good), JSON.stringify(check.errors));
  for (const wrong of [
    { ...good, hosts: 'x' },
    { ...good, projects: [] },
    { ...good, plainHttp: 'yes' },
    {},
    { ...good, digests: good.projects },
  ]) {
    assert.ok(!check(wrong), JSON.stringify(wrong));
  }
});

test('the agent accepts the shipped configuration', () => {
  using folder = temporaryFolder('deploy');
  const file = join(folder.path, 'agent.yaml');
  writeFileSync(join(folder.path, 'password'), 'p');
  const text = readFileSync(shipped('agent.yaml'), 'utf8');
  writeFileSync(file, text.replace('/run/credentials/linkspan-agent.service/source-password', 'password'));
  assert.equal(readAgentConfiguration(file).host, 'mover-1');
});

const withoutSystemd =
  spawnSync('systemd-analyze', ['--version']).error !== undefined && 'systemd-analyze is not installed';

for (const name of ['linkspan-agent.service', 'linkspan-serve.service', 'linkspan-sync@.service'])
  test(`systemd accepts ${name} without a warning, and rates it as well protected`, { skip: withoutSystemd }, () => {
    using folder = temporaryFolder('deploy');
    // A template is checked as one of its instances.
    const unit = join(folder.path, name.replace('@', '@orders'));
    // On this machine the program has another path.
    writeFileSync(unit, readFileSync(shipped(name), 'utf8').replace('/opt/linkspan/bin/linkspan', process.execPath));
    const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
    const complaints = verified.stderr.split('\n').filter((line) => line.includes('linkspan'));
    assert.deepEqual(complaints, []);
    const security = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit], {
      encoding: 'utf8',
    });
    const [, exposure] = /exposure level for \S+: ([\d.]+)/i.exec(security.stdout) ?? [];
    assert.ok(Number(exposure) < 2, security.stdout + security.stderr);
  });

/** System calls that versions of Node.js make, and that a service can't do without when it is ended for them. */
const CALLS_OF_NODE = ['pkey_alloc', 'pkey_mprotect', 'io_uring_setup', 'clone3', 'prlimit64'];

for (const name of ['linkspan-agent.service', 'linkspan-serve.service', 'linkspan-sync@.service'])
  test(`${name} lets Node.js run, ends it for no forbidden call, and works with systemd 247`, {
    skip: withoutSystemd,
  }, () => {
    const settings = readFileSync(shipped(name), 'utf8').split('\n');
    const filters = settings
      .filter((line) => line.startsWith('SystemCallFilter='))
      .map((line) => line.split('=')[1] ?? '');
    const of = (list: string) => new Set(list.split(' ').flatMap(callsOf));
    const allowed = of(filters.filter((list) => !list.startsWith('~')).join(' '));
    const denied = of(filters.flatMap((list) => (list.startsWith('~') ? list.slice(1) : [])).join(' '));
    for (const call of CALLS_OF_NODE) assert.ok(allowed.has(call) && !denied.has(call), call);
    assert.ok(settings.includes('SystemCallErrorNumber=EPERM'));
    // Version 250 was the first to know it.
    assert.ok(!settings.some((line) => line.includes('%d')), 'older versions of systemd ignore a line with %d');
  });

/** Returns the calls of a set of systemd, such as `@pkey`, or the call itself. */
function callsOf(name: string): string[] {
  if (!name.startsWith('@')) return [name];
  const { stdout } = spawnSync('systemd-analyze', ['syscall-filter', name], { encoding: 'utf8' });
  const [, ...lines] = stdout.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#')).flatMap(callsOf);
}
