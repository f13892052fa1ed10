import assert from 'node:assert/strict';
import { test } from 'node:test';
import { build, type OutputChunk } from 'rolldown';
import program from '../../rolldown.config.ts';

test('the help and the version load neither a command, nor the engine, nor the driver', async () => {
  const { output } = await build({ ...program, write: false });
  const chunks = output.filter((part) => part.type === 'chunk');
  const main = chunks.find(({ moduleIds }) => moduleIds.some((id) => id.endsWith('/src/cli/main.ts')));
  assert.ok(main, 'no file contains src/cli/main.ts');
  const loaded = new Set<OutputChunk>([main]);
  for (const { imports } of loaded) {
    for (const chunk of chunks.filter(({ fileName }) => imports.includes(fileName))) loaded.add(chunk);
  }
  const modules = [...loaded].flatMap(({ moduleIds }) => moduleIds);
  const heavy = /\/src\/(?!cli\/(?:main|command-line|terminal|administration\/noun-help)|platform\/)/;
  assert.deepEqual(
    modules.filter((id) => heavy.test(id)),
    [],
  );
  const packages = new Set([...loaded].flatMap(({ imports }) => imports).filter((name) => !name.endsWith('.js')));
  assert.deepEqual(
    [...packages].filter((name) => !name.startsWith('node:')),
    [],
  );
});
