import assert from 'node:assert/strict';
import { test } from 'node:test';
import { build, type OutputChunk } from 'rolldown';
import program from '../../rolldown.config.ts';

const { output } = await build({ ...program, write: false });
const chunks = output.filter((part) => part.type === 'chunk');

/** The modules and packages that load with a module of `src/cli`. */
function loadedWith(path: string): { readonly modules: readonly string[]; readonly packages: readonly string[] } {
  const first = chunks.find(({ moduleIds }) => moduleIds.some((id) => id.endsWith(`/src/cli/${path}`)));
  assert.ok(first, `no file contains src/cli/${path}`);
  const loaded = new Set<OutputChunk>([first]);
  for (const { imports } of loaded) {
    for (const chunk of chunks.filter(({ fileName }) => imports.includes(fileName))) loaded.add(chunk);
  }
  const imports = [...loaded].flatMap((chunk) => chunk.imports);
  return {
    modules: [...loaded].flatMap(({ moduleIds }) => moduleIds),
    packages: imports.filter((name) => !name.endsWith('.js') && !name.startsWith('node:')),
  };
}

test('the help and the version load neither a command, nor the engine, nor the driver', () => {
  const { modules, packages } = loadedWith('main.ts');
  const heavy = /\/src\/(?!cli\/(?:main|command-line|terminal|administration\/noun-help)|platform\/)/;
  assert.deepEqual(
    modules.filter((id) => heavy.test(id)),
    [],
  );
  assert.deepEqual(packages, []);
});

for (const path of ['run/serve-command.ts', 'migrate/sync-command.ts', 'administration/index.ts']) {
  test(`the help of src/cli/${path} loads neither the driver, nor an HTTP server, nor a schema library`, () => {
    const { modules, packages } = loadedWith(path);
    assert.deepEqual(
      modules.filter((id) => /\/node_modules\/(?!commander\/)/.test(id)),
      [],
    );
    assert.deepEqual(packages, []);
  });
}

test('only the launchers import modules of Node.js: an import of node:http loads the client for fetch at each start', () => {
  const importers = chunks.filter(({ code }) => /^(?:import|export) .*"node:/m.test(code));
  assert.deepEqual(importers.map(({ fileName }) => fileName).sort(), ['launch.js', 'library.js']);
});

test('no file requires node:http2, which Fastify needs only for a server that speaks it', () => {
  const requirers = chunks.filter(({ code }) => /require\("node:http2"\)/.test(code));
  assert.deepEqual(
    requirers.map(({ fileName }) => fileName),
    [],
  );
});
