import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { ownArchitecture } from '../../packaging/architectures.ts';
import { createAuthority, withoutOpenssl } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { freePort } from '../support/mongod-process.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { addBase, IMAGE, ImageContext } from './container/image.ts';
import { KubernetesNode } from './container/node.ts';
import { noContainers, Podman } from './container/podman.ts';
import { withoutRegistry } from './without-registry.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/get-started/containers.md'), 'utf8');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** As deploy/kubernetes and deploy/compose.production.yaml run it; mongod of tests listens on loopback. */
const LOCKED_DOWN = ['--network', 'host', '--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
/** The image's Node.js. */
const NODE = '/opt/linkspan/node_modules/.bin/node';
const MEBIBYTE = 1024 * 1024;

const folder = temporaryFolder('image');
const podman = new Podman();
after(() => {
  podman[Symbol.dispose]();
  folder[Symbol.dispose]();
});

let context: ImageContext | undefined;
let tree = '';
const skip =
  noContainers ||
  (await addBase(podman)) ||
  (await withoutRegistry(async () => {
    context = await ImageContext.create(folder.path);
    tree = await context.add(ownArchitecture());
    await context.build(podman);
  }));

/** Writes a configuration with passwords, which only the user of the image may read. */
function writeForImage(file: string, configuration: object): void {
  writeFileSync(file, JSON.stringify(configuration), { mode: 0o400 });
  chownSync(file, 65_532, 65_532);
}

test('the image is small, and has its version, its user, a health check and the program alone', { skip }, async () => {
  const [image] = JSON.parse(await podman.do('image', 'inspect', IMAGE));
  const { User, Entrypoint, StopSignal, Labels } = image.Config;
  assert.deepEqual(
    { User, Entrypoint, StopSignal, version: Labels['org.opencontainers.image.version'] },
    { User: '65532:65532', Entrypoint: ['linkspan'], StopSignal: 'SIGTERM', version },
  );
  assert.deepEqual(image.Healthcheck.Test, ['CMD', 'linkspan-health']);
  assert.ok(image.Size < 200 * MEBIBYTE, `${image.Size} bytes`);
  assert.equal(await podman.do('run', '--rm', ...LOCKED_DOWN, IMAGE, '--version'), version);
  const shell = await podman.try('run', '--rm', ...LOCKED_DOWN, '--entrypoint', '/bin/sh', IMAGE);
  assert.equal(shell.code, 127, shell.stderr);
});

test('the SBOM names Node.js, and each package that is installed or part of the program, and no other', {
  skip,
}, () => {
  const sbom = JSON.parse(readFileSync(join(tree, 'sbom.spdx.json'), 'utf8'));
  assert.equal(sbom.spdxVersion, 'SPDX-2.3');
  assert.equal(sbom.creationInfo.created, '2023-11-14T22:13:20Z');
  const names: string[] = sbom.packages.map(({ name }: { readonly name: string }) => name);
  for (const name of ['linkspan', 'node', 'mongodb', 'bson', 'fastify', 'commander', 'preact'])
    assert.ok(names.includes(name), name);
  assert.deepEqual(
    names.filter((name) => ['typescript', 'vite', 'playwright-core', 'rolldown'].includes(name)),
    [],
  );
  const installed: Record<string, unknown> = JSON.parse(
    readFileSync(join(tree, 'node_modules/.package-lock.json'), 'utf8'),
  ).packages;
  for (const path of Object.keys(installed)) assert.ok(names.includes(path.replace(/^.*node_modules\//, '')), path);
});

test('the command of docs/get-started/containers.md migrates a replica set, without rights and with a read-only root', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(1000, {}));
  const file = join(folder.path, 'sync.yaml');
  writeForImage(file, { cluster0: pair.source.uri, cluster1: pair.destination.uri });
  const [, command = ''] = /\n### One migration\n\n```sh\ndocker (.*?)```/s.exec(page) ?? [];
  const here = command
    .replaceAll('\\\n', ' ')
    .replace(/^run/, 'run --network host --env LINKSPAN_METRICS_LISTEN=127.0.0.1:0')
    .replace(/"\$PWD\/(\S+)"/, `${folder.path}/$1`)
    .replace(`linkspan:${version}`, IMAGE);
  const { code, stderr } = await podman.try(...here.trim().split(/\s+/));
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Verified: equal/);
  await expectIdentical(pair);
});

test('a container of the control plane is healthy, SIGTERM ends it with 0, and its volume keeps the data', {
  skip,
}, async () => {
  const port = await freePort();
  const args = ['serve', '--listen', `127.0.0.1:${port}`];
  const metrics = `LINKSPAN_METRICS_LISTEN=127.0.0.1:${await freePort()}`;
  const flags = [...LOCKED_DOWN, '--volume', 'data:/var/lib/linkspan', '--env', metrics];
  const runs: string[] = [];
  for (const name of ['first', 'second']) {
    await podman.do('run', '--detach', '--name', name, ...flags, IMAGE, ...args);
    const healthy = async () => (await podman.try('healthcheck', 'run', name)).code === 0;
    await eventually(healthy, { what: 'the container to be healthy' });
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
    await podman.do('stop', '--time', '20', name);
    const [{ State }] = JSON.parse(await podman.do('inspect', name));
    assert.equal(State.ExitCode, 0);
    runs.push(await podman.logs(name));
  }
  assert.match(runs[0] ?? '', /Organization ID/);
  assert.doesNotMatch(runs[1] ?? '', /Organization ID/);
});

test('the health check fails while nothing answers', { skip }, async () => {
  const closed = `LINKSPAN_METRICS_LISTEN=127.0.0.1:${await freePort()}`;
  const flags = [...LOCKED_DOWN, '--env', closed, '--entrypoint', 'linkspan-health'];
  const { code, stderr } = await podman.try('run', '--rm', ...flags, IMAGE);
  assert.equal(code, 1);
  assert.match(stderr, /nothing answers at 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
});

test('the pods of serve.yaml and agent.yaml become ready with their secrets, also when they start again', {
  skip: skip || withoutOpenssl,
}, async () => {
  await using pair = await startPair();
  const { cert, key } = createAuthority().issue();
  const secrets = {
    'linkspan-tls': { 'tls.crt': cert, 'tls.key': key },
    'linkspan-metrics': { token: `${randomBytes(16).toString('hex')}\n` },
    'linkspan-agent': { source: pair.source.uri, 'link-token': '' },
  };
  using volumes = temporaryFolder('volumes');
  const node = new KubernetesNode(podman, volumes.path, secrets);
  const ready = async (file: string) => {
    const probe = () => node.probe(file, 'readinessProbe');
    await eventually(probe, { what: `the pod of ${file} to be ready` }).catch(async (cause: Error) => {
      throw new Error(await podman.logs(file), { cause });
    });
    assert.ok(await node.probe(file, 'livenessProbe'));
  };
  await node.start('serve.yaml');
  await ready('serve.yaml');
  const log = await podman.logs('serve.yaml');
  const shown = (what: string) => new RegExp(`${what}: +(\\S+)`).exec(log)?.[1] ?? '';
  const environment = Object.entries({
    LINKSPAN_URL: `https://linkspan.test:${node.port('serve.yaml', 'https')}`,
    LINKSPAN_ORG_ID: shown('Organization ID'),
    LINKSPAN_PUBLIC_KEY: shown('Public key'),
    LINKSPAN_PRIVATE_KEY: shown('Private key'),
    NODE_EXTRA_CA_CERTS: '/run/secrets/linkspan/tls/tls.crt',
  }).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const created = await podman.do(
    'exec',
    ...environment,
    'serve.yaml',
    'linkspan',
    'link-token',
    'create',
    '--output',
    'json',
  );
  secrets['linkspan-agent']['link-token'] = JSON.parse(created).linkToken;
  await node.start('agent.yaml');
  await ready('agent.yaml');
  for (const file of ['serve.yaml', 'agent.yaml']) {
    await podman.do('stop', '--time', '20', file);
    await node.start(file);
    await ready(file);
  }
});

test('the pod of sync-job.yaml migrates a replica set and ends', { skip }, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(1000, {}));
  using volumes = temporaryFolder('volumes');
  const configuration = JSON.stringify({ cluster0: pair.source.uri, cluster1: pair.destination.uri });
  const node = new KubernetesNode(podman, volumes.path, { 'linkspan-sync': { 'sync.yaml': configuration } });
  await node.start('sync-job.yaml');
  assert.equal(await podman.do('wait', 'sync-job.yaml'), '0', await podman.logs('sync-job.yaml'));
  await expectIdentical(pair);
});

test('a container that is killed in a cutover leaves the source blocked, and the next one opens it and cuts over', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const orders = pair.source.client.db('shop').collection('orders');
  await orders.insertMany(numbered(1000, {}));
  await pair.source.createUser('app', 'secret', ['readWriteAnyDatabase']);
  await using app = await MongoClient.connect(pair.source.uriFor('app', 'secret'));
  const write = () => app.db('shop').collection('orders').insertOne({ late: true });
  const port = await freePort();
  const file = join(folder.path, 'cutover.yaml');
  const clusters = { cluster0: pair.source.uri, cluster1: pair.destination.uri };
  writeForImage(file, { ...clusters, port });
  const sync = ['sync', '--config', '/etc/sync.yaml'];
  const start = async (
    name: string,
    { flags = [], command = sync }: Partial<Record<'flags' | 'command', string[]>>,
  ) => {
    const run = ['run', '--detach', '--name', name, ...LOCKED_DOWN, '--volume', `${file}:/etc/sync.yaml:ro`];
    await podman.do(...run, ...flags, IMAGE, ...command);
    await eventually(() => call('start', { source: 'cluster0', destination: 'cluster1' }), {
      what: `${name} to start`,
    });
  };
  const call = async (what: string, body: object = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${what}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return answer.ok;
  };

  // Below another process: the first one of a container can't stop itself.
  const below = `require('node:child_process').spawn('linkspan', ${JSON.stringify(sync)}, { stdio: 'inherit' })`;
  await start('killed', {
    flags: ['--env', 'LINKSPAN_TEST_FAILPOINT=engine.cutover.source-blocked=stop', '--entrypoint', NODE],
    command: ['-e', below],
  });
  await eventually(() => call('commit'), { what: 'the cutover to be accepted' });
  const isBlocked = async () => (await write().catch((error) => error.code)) === 371;
  await eventually(isBlocked, { what: 'the source to be blocked' });
  await podman.do('kill', 'killed');
  await assert.rejects(write(), { code: 371 });

  await start('next', {});
  await eventually(write, { what: 'the source to be open' });
  await eventually(() => call('commit'), { what: 'the cutover to be accepted again' });
  const committed = async () => {
    const answer = await (await fetch(`http://127.0.0.1:${port}/api/v1/progress`)).json();
    return (answer as { progress: { state: string } }).progress.state === 'COMMITTED';
  };
  await eventually(committed, { what: 'the commit' });
  await podman.do('stop', '--time', '20', 'next');
  await expectIdentical(pair);
});

/** Machines that an ELF file can be for, by their numbers in its header. */
const ELF_MACHINES = { amd64: 62, arm64: 183 } as const;

test('this machine builds the image for the other processor, with its Node.js', { skip }, async () => {
  const other = ownArchitecture() === 'amd64' ? 'arm64' : 'amd64';
  await context?.add(other);
  await context?.build(podman, 'localhost/other', 'scratch', '--platform', `linux/${other}`);
  const [image] = JSON.parse(await podman.do('image', 'inspect', 'localhost/other'));
  assert.equal(image.Architecture, other);
  const mounted = await podman.do('image', 'mount', 'localhost/other');
  const node = readFileSync(join(mounted, NODE));
  await podman.do('image', 'umount', 'localhost/other');
  assert.equal(node.readUInt16LE(18), ELF_MACHINES[other]);
});

test('deploy/Dockerfile has the version of package.json', () => {
  const text = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8');
  const versions = [...text.matchAll(/^ARG VERSION=(\S+)|--tag linkspan:(\S+)/gm)].map(([, a, b]) => a ?? b);
  assert.deepEqual(versions, [version, version, version]);
});
