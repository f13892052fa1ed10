import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { libraryPage } from '../docs/library-page.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startPair } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { packedLinkspan } from './packed.ts';
import { withoutNpm } from './without-npm.ts';
import { withoutRegistry } from './without-registry.ts';

const run = promisify(execFile);
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const { values, types, example } = libraryPage;

/** Options of a strict program, which checks the declarations of packages, too. */
const STRICT = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  rootDir: '.',
};

const folder = temporaryFolder('library');
after(() => folder[Symbol.dispose]());
const program = join(folder.path, 'program');
mkdirSync(program);
writeFileSync(join(program, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
const noRegistry = await withoutRegistry(async () => {
  const flags = ['--prefer-offline', '--omit=optional', '--no-audit', '--no-fund'];
  const file = await packedLinkspan(folder.path);
  await run('npm', ['install', ...flags, file], { cwd: program, env: withoutNpm() });
});

/** Compiles a program in a folder that has only Linkspan installed. @throws the compiler's messages */
async function compile(name: string, source: string, options: object): Promise<string> {
  writeFileSync(join(program, `${name}.ts`), source);
  const config = join(program, `${name}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...STRICT, ...options }, files: [`${name}.ts`] }));
  await run(process.execPath, [join(MODULES, 'typescript/bin/tsc'), '--project', config]).catch(({ stdout }) => {
    throw new Error(stdout);
  });
  return join(program, `${name}.js`);
}

test('a strict program compiles against the installed package alone, and finds every documented name', {
  skip: noRegistry,
}, async () => {
  const all = [...values, ...types.map((name) => `type ${name}`)];
  const source = [
    `import { ${all.join(', ')} } from 'linkspan';`,
    `export type Types = [${types.join(', ')}];`,
    `console.log(JSON.stringify([${values.join(', ')}].map((value) => typeof value)));`,
    '// @ts-expect-error: the clusters are missing',
    'export const incomplete = () => new Migration({ migrationId: newMigrationId() });',
    'export const states = (progress: Progress): MigrationState => progress.state;',
    '// @ts-expect-error: no such state',
    "export const isLost = (progress: Progress) => progress.state === 'LOST';",
  ];
  const compiled = await compile('names', source.join('\n'), { types: [] });
  const { stdout } = await run(process.execPath, [compiled]);
  assert.ok(!JSON.parse(stdout).includes('undefined'), stdout);
});

test('the example of docs/migrate/library.md compiles, and moves a cluster with a cutover', {
  skip: noRegistry || needsSource('6.0', 'it has no write block'),
}, async () => {
  const compiled = await compile('migrate', example, { typeRoots: [join(MODULES, '@types')], types: ['node'] });
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('orders').insertMany(numbered(1000));
  const env = { ...process.env, SOURCE: pair.source.uri, DESTINATION: pair.destination.uri };
  const { stdout } = await run(process.execPath, [compiled], { env });
  assert.match(stdout, /^COMMITTED: \S.*\n$/);
  await expectIdentical(pair);

  const again = await run(process.execPath, [compiled], { env }).catch((error) => error);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /^ERROR: .*\[\w+\]$/m);
});
