import assert from 'node:assert/strict';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAgentConfiguration } from '../../src/agent/configuration.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MINIMAL = `
projects:
  - id: 0123456789abcdef01234567
    name: shop
    deployments:
      - name: orders
        uri: mongodb://\${USER_NAME}:\${PASSWORD}@db1,db2/?replicaSet=orders
`;

function read(text: string, environment: NodeJS.ProcessEnv = { USER_NAME: 'u', PASSWORD: 'secret' }) {
  using folder = temporaryFolder('configuration');
  const file = join(folder.path, 'agent.yaml');
  writeFileSync(file, text);
  return { folder: folder.path, configuration: readAgentConfiguration(file, environment) };
}

function refusalOf(text: string, environment?: NodeJS.ProcessEnv): string {
  try {
    read(text, environment);
  } catch (error) {
    return String(error);
  }
  throw new Error('It was accepted');
}

test('a minimal configuration gets defaults, and its strings can come from the environment', () => {
  const { folder, configuration } = read(MINIMAL);
  assert.equal(configuration.host, hostname());
  assert.equal(configuration.dataDir, join(folder, 'linkspan-agent'));
  assert.equal(configuration.copyBytesPerSecond, undefined);
  assert.equal(configuration.projects[0]?.deployments[0]?.uri, 'mongodb://u:secret@db1,db2/?replicaSet=orders');
});

test('the file says when connections are compressed', () => {
  for (const mode of ['auto', 'off', 'zlib', 'zstd'])
    assert.equal(read(`compression: ${mode}\n${MINIMAL}`).configuration.compression, mode);
  assert.match(refusalOf(`compression: snappy\n${MINIMAL}`), /line 1: compression: /);
});

test('as many migrations run at once as the file says, by default as fit into the memory, and one at least', () => {
  const limitOf = (more: string) => read(`${more}${MINIMAL}`).configuration.maxMigrations;
  assert.equal(limitOf('maxMigrations: 3\n'), 3);
  assert.equal(limitOf('memoryMegabytes: 100000000\n'), 1);
  assert.ok((limitOf('memoryMegabytes: 384\n') ?? 0) >= (limitOf('') ?? 0));
  assert.match(refusalOf(`maxMigrations: 0\n${MINIMAL}`), /line 1: maxMigrations: /);
});

test('host, data directory, CA file and copy limit can be set; paths are relative to the file', () => {
  const { folder, configuration } = read(
    `host: mover\ndataDir: state\ncopy:\n  maxMegabytesPerSecond: 2.5\n${MINIMAL}        tlsCaFile: ca.pem\n`,
  );
  assert.equal(configuration.host, 'mover');
  assert.equal(configuration.dataDir, join(folder, 'state'));
  assert.equal(configuration.copyBytesPerSecond, 2_500_000);
  assert.equal(configuration.projects[0]?.deployments[0]?.tlsCaFile, join(folder, 'ca.pem'));
});

test('migrations are verified as the configuration says', () => {
  assert.equal(read(`verification: report\n${MINIMAL}`).configuration.verification, 'REPORT');
  assert.match(refusalOf(`verification: no\n${MINIMAL}`), /line 1: verification: /);
});

test('a digest helper has destinations in place of sources', () => {
  const { digests, projects } = read(MINIMAL.replace('projects:', 'digests:')).configuration;
  assert.deepEqual(projects, []);
  assert.equal(digests?.[0]?.deployments[0]?.name, read(MINIMAL).configuration.projects[0]?.deployments[0]?.name);
  const both = `${MINIMAL}\n${MINIMAL.slice(MINIMAL.indexOf('projects:')).replace('projects:', 'digests:')}`;
  assert.match(refusalOf(both), /projects: expected either projects, to run migrations, or digests/);
});

test('a value can come from a file, whose path is relative to the configuration', () => {
  using folder = temporaryFolder('configuration');
  writeFileSync(join(folder.path, 'password'), 'from-a-file\n');
  const file = join(folder.path, 'agent.yaml');
  writeFileSync(file, MINIMAL.replace('{PASSWORD}', '{file:password}'));
  const uri = () => readAgentConfiguration(file, { USER_NAME: 'u' }).projects[0]?.deployments[0]?.uri;
  assert.equal(uri(), 'mongodb://u:from-a-file@db1,db2/?replicaSet=orders');
  rmSync(join(folder.path, 'password'));
  assert.throws(uri, {
    code: 'CONFIGURATION_INVALID',
    message: /line 7: the file \S+\/password cannot be read/,
    remedy: 'Correct that line; docs/operate/agent.md lists every key.',
  });
});

test('a misspelt key is an error that names the key and its line', () => {
  assert.match(
    refusalOf(`${MINIMAL}        tlsCAfile: ca.pem\n`),
    /line 8: unknown key projects\[0\]\.deployments\[0\]\.tlsCAfile \(did you mean tlsCaFile\?\)\./,
  );
  assert.match(refusalOf(`hosts: a\n${MINIMAL}`), /line 1: unknown key hosts \(did you mean host\?\)\./);
  assert.match(
    refusalOf(MINIMAL.replace('projects:', 'project:')),
    /unknown key project \(did you mean projects\?\)\./,
  );
  assert.match(refusalOf(`zzz: 1\n${MINIMAL}`), /line 1: unknown key zzz\./);
});

test('a wrong value is an error that names its key and line, and never repeats the value', () => {
  const wrongUri = MINIMAL.replace('mongodb://', 'secret-thing://');
  assert.match(refusalOf(wrongUri), /line 7: projects\[0\]\.deployments\[0\]\.uri: expected a connection string/);
  assert.doesNotMatch(refusalOf(wrongUri), /secret/);
  assert.match(
    refusalOf(MINIMAL.replace('0123456789abcdef01234567', 'shop')),
    /line 3: projects\[0\]\.id: expected 24/,
  );
  assert.match(
    refusalOf(MINIMAL.replace('0123456789abcdef01234567', '123456789012345678901234')),
    /line 3: projects\[0\]\.id: .*quote it\./,
  );
  assert.match(refusalOf(`copy: { maxMegabytesPerSecond: 0 }\n${MINIMAL}`), /line 1: copy\.maxMegabytesPerSecond: /);
  assert.match(refusalOf(`${MINIMAL}${MINIMAL.replace('\nprojects:\n', '')}`), /two projects have the same id/);
});

test('destinations can be limited to names, addresses and blocks; any other entry is an error', () => {
  const { configuration } = read(`allowedDestinations: ["*.db.example", 10.0.0.0/8, "::1"]\n${MINIMAL}`);
  assert.deepEqual(configuration.allowedDestinations, ['*.db.example', '10.0.0.0/8', '::1']);
  assert.match(
    refusalOf(`allowedDestinations: ["db:27017"]\n${MINIMAL}`),
    /line 1: allowedDestinations\[0\]: expected a/,
  );
  assert.match(refusalOf(`allowedDestinations: []\n${MINIMAL}`), /line 1: allowedDestinations: /);
});

test('a missing environment variable, a broken file, an empty file and a missing file have different errors', () => {
  assert.match(refusalOf(MINIMAL, { USER_NAME: 'u' }), /line 7: the environment variable PASSWORD is not set/);
  assert.match(refusalOf('projects:\n  - "secret\n'), /line \d: /);
  assert.doesNotMatch(refusalOf('projects:\n  - "secret\n'), /secret/);
  assert.match(refusalOf(''), /expected either projects, .* or digests/);
  assert.throws(() => readAgentConfiguration('/nowhere/agent.yaml'), { code: 'CONFIGURATION_UNREADABLE' });
});

// id: exposed-configuration
test('a file that others may read is refused when it has a secret itself', () => {
  using folder = temporaryFolder('configuration');
  const file = join(folder.path, 'agent.yaml');
  const environment = { USER_NAME: 'u', PASSWORD: 'secret' };
  const refusal = (text: string, mode: number) => {
    writeFileSync(file, text);
    chmodSync(file, mode);
    try {
      readAgentConfiguration(file, environment);
    } catch (error) {
      return String(error);
    }
    return 'accepted';
  };
  const withPassword = MINIMAL.replace(`\${PASSWORD}`, 's3cret');
  const api = `
opsManagerApi: { listen: '127.0.0.1:8081', orgId: 0123456789abcdef01234567, publicKey: p, privateKey: KEY }`;
  const withKey =
    MINIMAL.replace(`mongodb://\${USER_NAME}:\${PASSWORD}@`, 'mongodb://') + api.replace('KEY', 'k'.repeat(16));
  const withReference = MINIMAL + api.replace('KEY', `'\${PASSWORD}\${PASSWORD}\${PASSWORD}'`);
  for (const [text, line] of [
    [withPassword, 7],
    [withKey, 9],
  ] as const) {
    assert.match(
      refusal(text, 0o644),
      new RegExp(`${file} is 644, so others may read it, and line ${line} has a secret`),
    );
    assert.equal(refusal(text, 0o600), 'accepted');
  }
  assert.equal(refusal(withReference, 0o644), 'accepted');
});
