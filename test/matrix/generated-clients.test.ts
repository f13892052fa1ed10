import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  failureOf,
  findNpmPackages,
  findPython,
  runClient,
  skipReason,
  startPython,
} from '../atlas-api/foreign-clients.ts';
import { PushSetup } from '../end-to-end/push-setup.ts';
import { AtlasClient } from '../support/atlas-client.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startPair } from '../support/replica-set.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('generated-clients/', import.meta.url));
const PYTHON = ['openapi-python-client==0.29.1', 'httpx==0.28.1'];
const TYPESCRIPT = ['openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', 'typescript@5.9.3'];
const GENERATOR_IN_GO = 'github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2';
const NO_CLUSTERS = { source: { uri: 'mongodb://127.0.0.1:1/' }, destination: { uri: 'mongodb://127.0.0.1:2/' } };
const read = (name: string) => readFileSync(join(PROGRAMS, name), 'utf8');
const skip =
  process.env.LINKSPAN_SOURCE_MONGOD === undefined && 'npm run test:matrix runs it: it generates and compiles clients';

const folder = temporaryFolder('generated-clients');
after(() => folder[Symbol.dispose]());

/** A running server, an access token of its owner, and its description as a file. */
async function server(setup: PushSetup, place: string) {
  await setup.serve();
  const {
    LINKSPAN_URL = '',
    LINKSPAN_PUBLIC_KEY = '',
    LINKSPAN_PRIVATE_KEY = '',
    LINKSPAN_ORG_ID = '',
  } = setup.variables;
  const atlas = new AtlasClient(LINKSPAN_URL, LINKSPAN_PUBLIC_KEY, LINKSPAN_PRIVATE_KEY);
  const account = { name: 'generated', description: 'a client', roles: ['ORG_OWNER'], secretExpiresAfterHours: 8 };
  const { body } = await atlas.send<Account>('POST', `/orgs/${LINKSPAN_ORG_ID}/serviceAccounts`, account);
  const basic = Buffer.from(`${body.clientId}:${body.secrets[0]?.secret}`).toString('base64');
  const granted = await fetch(`${LINKSPAN_URL}/api/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = (await granted.json()) as { readonly access_token: string };
  mkdirSync(place);
  const description = join(place, 'openapi.json');
  writeFileSync(description, await (await fetch(`${LINKSPAN_URL}/openapi.json`)).text());
  return { url: LINKSPAN_URL, token, orgId: LINKSPAN_ORG_ID, description };
}

interface Account {
  readonly clientId: string;
  readonly secrets: readonly { readonly secret?: string }[];
}

test('a client that openapi-python-client generates runs a migration from the link-token to its end', {
  skip,
}, async (t) => {
  const python = await findPython(PYTHON);
  const missing = skipReason(python);
  if (missing) return t.skip(missing);
  await using pair = await startPair();
  await pair.source.client
    .db('shop')
    .collection<{ n: number }>('orders')
    .insertMany([{ n: 1 }, { n: 2 }]);
  await using setup = await PushSetup.create(pair);
  const place = join(folder.path, 'python');
  const { url, token, orgId, description } = await server(setup, place);
  const config = join(place, 'config.yaml');
  writeFileSync(config, 'post_hooks: []\n');
  const to = ['--output-path', join(place, 'generated'), '--meta', 'none', '--config', config, '--fail-on-warning'];
  const generate = ['generate', '--path', description, ...to];
  await runClient(python, 'from openapi_python_client.cli import app; app()', ...generate);
  const compile = 'import compileall, sys; sys.exit(not compileall.compile_dir(sys.argv[1], quiet=2))';
  await runClient(python, compile, place);
  const program = `import sys\nsys.path.insert(0, ${JSON.stringify(place)})\n${read('migrate.py')}`;
  using migrating = startPython(program, [url, token, orgId, pair.destination.uri], PYTHON);
  setup.agent(undefined, undefined, await migrating.ask('token'));
  assert.equal(await migrating.ask('the agent is started'), 'COMPLETE COMPLETE');
  const { documents } = await expectIdentical(pair);
  assert.equal(documents, 2);
});

test('types that openapi-typescript generates fit a client that creates and lists', { skip }, async (t) => {
  const packages = await findNpmPackages(TYPESCRIPT);
  if ('missing' in packages) return t.skip(packages.missing);
  await using setup = await PushSetup.create(NO_CLUSTERS);
  const place = join(folder.path, 'typescript');
  const { url, token, orgId, description } = await server(setup, place);
  symlinkSync(join(packages.folder, 'node_modules'), join(place, 'node_modules'));
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(place, 'client.ts'), read('client.ts.txt'));
  const bin = join(place, 'node_modules/.bin');
  await run(join(bin, 'openapi-typescript'), [description, '--output', 'api.d.ts'], { cwd: place });
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2024', ...types];
  await run(join(bin, 'tsc'), [...flags, 'client.ts'], { cwd: place });
  const { stdout } = await run(process.execPath, ['client.ts', url, token, orgId], { cwd: place });
  assert.equal(stdout, '201 true 200\n');
});

test('a client that oapi-codegen generates compiles, creates and lists', { skip }, async (t) => {
  const place = join(folder.path, 'go');
  await using setup = await PushSetup.create(NO_CLUSTERS);
  const { url, token, orgId, description } = await server(setup, place);
  cpSync(join(PROGRAMS, 'go'), place, { recursive: true });
  mkdirSync(join(place, 'api'));
  const generate = ['run', GENERATOR_IN_GO, '-config', 'oapi-codegen.yaml', description];
  const missing = (await failureOf('go', ['version'])) ?? (await failureOf('go', ['mod', 'download'], place));
  if (missing) return t.skip(missing.missing);
  await run('go', generate, { cwd: place });
  await run('go', ['build', '-o', 'client', '.'], { cwd: place });
  const { stdout } = await run(join(place, 'client'), [url, token, orgId]);
  assert.equal(stdout, '201 true 200\n');
});
