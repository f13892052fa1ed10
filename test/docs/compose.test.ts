import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import { findPython, runClient, skipReason } from '../atlas-api/foreign-clients.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { freePort, MongodProcess } from '../support/mongod-process.ts';
import { needsSource } from '../support/source-version.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { parsedBy } from './command-line.ts';
import { readCompose, serviceOf } from './compose-file.ts';
import { findMongosh } from './find-mongosh.ts';
import { Reader } from './reader.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/get-started/containers.md'), 'utf8');
const KEY = 'a-private-key-of-the-test';
const FILES = ['compose.yaml', 'compose.production.yaml'] as const;
const readWithKey = (file: string) => readCompose(file, { LINKSPAN_PRIVATE_KEY: KEY });

/** A parser of the Compose Specification that accepts no unknown keys. */
const parser = await findPython(['compose-spec==0.2.1']);
const VALIDATE = `
import sys, compose_spec
for file in sys.argv[1:]:
    try:
        spec = compose_spec.PyCompose.from_json(file)
        spec.validate()
        print('valid')
    except Exception as error:
        print(repr(error))
`;
/** @returns a line for each file */
const validate = async (...files: unknown[]) =>
  (await runClient(parser, VALIDATE, ...files.map((file) => JSON.stringify(file)))).trim().split('\n');

for (const file of FILES)
  test(`the Compose Specification has every key of ${file}, and an unknown one is noticed`, {
    skip: skipReason(parser),
  }, async () => {
    const compose = readWithKey(file);
    const serve = { ...serviceOf(compose, 'serve'), readonly: true };
    const [shipped, unknown] = await validate(compose, { ...compose, services: { ...compose.services, serve } });
    assert.equal(shipped, 'valid');
    assert.match(unknown ?? '', /readonly/);
  });

test('compose.yaml asks for a key before it starts anything', () => {
  assert.throws(() => readCompose('compose.yaml'), /LINKSPAN_PRIVATE_KEY: export a key of 16 characters/);
});

for (const file of FILES)
  test(`linkspan accepts the arguments and variables of ${file}, and runs without rights`, () => {
    const compose = readWithKey(file);
    const version = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;
    const own = Object.entries(compose.services).filter(([, { image }]) => image === `linkspan:${version}`);
    assert.deepEqual(
      own.map(([name]) => name),
      file === 'compose.yaml' ? ['serve', 'agent'] : ['serve', 'agent', 'sync'],
    );
    for (const [name, service] of own) {
      const [command = '', ...args] = service.command;
      assert.equal(command, name);
      const options = parsedBy(command, args, service.environment);
      const { read_only, cap_drop, security_opt, init } = service;
      assert.deepEqual([read_only, cap_drop, security_opt, init], [true, ['ALL'], ['no-new-privileges:true'], true]);
      const needed = [...Object.values(options), ...Object.values(service.environment ?? {})];
      const secrets = needed.filter((value) => /^\/run\/secrets\//.test(String(value))).map((path) => String(path));
      for (const path of secrets) assert.ok(service.secrets?.includes(path.replace('/run/secrets/', '')), path);
      for (const secret of service.secrets ?? [])
        assert.equal(compose.secrets?.[secret]?.file, `./secrets/${secret}`, 'Git ignores that folder');
    }
  });

test('every secret of compose.production.yaml has its row on the page', () => {
  const [, part = ''] = /\n## Production with Compose\n(.*?)\n## /s.exec(page) ?? [];
  const rows = [...part.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) => cell.match(/[\w-]+/g) ?? []);
  assert.deepEqual(rows.sort(), Object.keys(readCompose('compose.production.yaml').secrets ?? {}).sort());
});

const mongosh = await findMongosh();

test('the Compose commands of docs/get-started/containers.md migrate, run as processes without Compose', {
  skip: 'missing' in mongosh ? mongosh.missing : needsSource('6.0', 'it has no write block'),
}, async () => {
  assert.ok('folder' in mongosh);
  const compose = readWithKey('compose.yaml');
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(temporaryFolder('compose'));
  const PATH = `${mongosh.folder}${delimiter}${process.env.PATH}`;
  const addresses = new Map([['serve:8080', `127.0.0.1:${await freePort()}`]]);
  const clients: MongoClient[] = [];
  for (const name of ['source', 'destination']) {
    const { command, healthcheck } = serviceOf(compose, name);
    assert.deepEqual(command, ['mongod', '--replSet', name, '--bind_ip_all', '--port', '27017']);
    mkdirSync(join(folder.path, name));
    const mongod = await MongodProcess.start(['--replSet', name, '--dbpath', join(folder.path, name)]);
    resources.defer(() => mongod.kill());
    const address = `127.0.0.1:${mongod.port}`;
    addresses.set(`${name}:27017`, address);
    const [, program = '', ...args] = healthcheck?.test ?? [];
    const words = args.map((word) => word.replace(`${name}:27017`, address));
    const healthy = async () =>
      await run(program, [...words, '--port', String(mongod.port)], { env: { ...process.env, PATH } });
    await eventually(healthy, { what: `the replica set ${name} to be healthy`, pollMs: 500 });
    const client = new MongoClient(`mongodb://${address}/?replicaSet=${name}`);
    clients.push(client);
    resources.defer(() => client.close());
  }
  const here = (text: string) => [...addresses].reduce((all, [name, address]) => all.replaceAll(name, address), text);
  const [source, destination] = clients;
  assert.ok(source && destination);

  const agent = parsedBy('agent', serviceOf(compose, 'agent').command.slice(1));
  const mounted = serviceOf(compose, 'agent').volumes?.find((volume) => volume.includes(String(agent.config)));
  const configuration = readFileSync(join(ROOT, 'deploy', mounted?.split(':')[0] ?? ''), 'utf8');
  const ownFolder = configuration.replace('/var/lib/linkspan/data', join(folder.path, 'agent'));
  // The destination is a container of its own in Compose, and on this machine here.
  writeFileSync(join(folder.path, 'agent.yaml'), here(`${ownFolder}allowedDestinations: [127.0.0.0/8]\n`));

  const { environment = {}, command: serveCommand } = serviceOf(compose, 'serve');
  const serve = serveCommand.join(' ').replace('0.0.0.0:8080', addresses.get('serve:8080') ?? '');
  const variables = Object.entries(environment).map(([name, value]) => [
    name,
    value.replace('127.0.0.1:8080', addresses.get('serve:8080') ?? ''),
  ]);
  await using reader = new Reader(folder.path, {
    ...Object.fromEntries(variables),
    LINKSPAN_DATA_DIR: join(folder.path, 'serve'),
    HOME: folder.path,
    PATH: `${join(ROOT, 'bin')}${delimiter}${PATH}`,
  });
  const [, part = ''] = /\n## Try it with Compose\n(.*?)\n## /s.exec(page) ?? [];
  const steps = part
    .replace(/cd deploy\nexport LINKSPAN_PRIVATE_KEY=.*\n/, '')
    .replace('docker compose up --detach --wait source destination serve', `linkspan ${serve}`)
    .replace('docker compose up --detach --wait agent', 'linkspan agent --config=agent.yaml')
    .replace('exec source mongosh', `exec source mongosh --port ${addresses.get('source:27017')?.split(':')[1]}`)
    .replaceAll(/docker compose exec --env (\S+) serve /g, '$1 ')
    .replaceAll(/docker compose exec \w+ /g, '');
  const commands = await reader.follow(here(steps));
  assert.ok(commands.length >= 11, `only ${commands.length} commands were found`);
  const { documents } = await expectIdentical({ source: { client: source }, destination: { client: destination } });
  assert.equal(documents, 2);
});
