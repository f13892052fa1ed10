import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as library from '../../src/library/index.ts';
import { errorCatalogue } from '../../src/platform/index.ts';
import { libraryPage } from './library-page.ts';

const FOLDER = fileURLToPath(new URL('../../src/library', import.meta.url));
const CONTRACT = fileURLToPath(new URL('../../src/contract', import.meta.url));
const { page, values, types } = libraryPage;
const textsIn = (folder: string) =>
  globSync('*.ts', { cwd: folder }).map((file) => readFileSync(join(folder, file), 'utf8'));
const sources = textsIn(FOLDER);
const schemas = textsIn(CONTRACT);

/** Returns the names of types that the index exports. */
function exportedTypes(): string[] {
  const index = readFileSync(join(FOLDER, 'index.ts'), 'utf8');
  const lists = [...index.matchAll(/^export (type )?\{([^}]*)\}/gm)];
  return lists.flatMap(([, isType, list = '']) => {
    const names = list.split(',').map((name) => name.trim());
    const found = isType ? names : names.filter((name) => name.startsWith('type '));
    return found.map((name) => name.replace('type ', '')).filter((name) => name !== '');
  });
}

test('docs/migrate/library.md has exactly the names that the library exports', () => {
  assert.deepEqual([...values].sort(), Object.keys(library).sort());
  assert.deepEqual([...types].sort(), exportedTypes().sort());
});

test('every exported name has a docstring', () => {
  const renamed = new Map(
    sources.flatMap((source) => [...source.matchAll(/^ {2}(\w+) as (\w+),$/gm)]).map(([, a = '', b = '']) => [a, b]),
  );
  const documented = [...sources, ...schemas].flatMap((source) =>
    [...source.matchAll(/\*\/\nexport (?:async )?(?:interface|type|class|const|function) (\w+)/g)].map(
      ([, name = '']) => {
        // The type of a schema has its name, with a capital letter.
        const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
        return renamed.get(type) ?? (types.includes(type) ? type : name);
      },
    ),
  );
  assert.deepEqual(
    [...values, ...types].filter((name) => !documented.includes(name)),
    [],
  );
});

test('docs/migrate/library.md names every method of a migration and of a comparison', () => {
  const methodsOf = ({ prototype }: { readonly prototype: object }) => Object.getOwnPropertyNames(prototype).slice(1);
  const row = (name: string) => new RegExp(`^\\| \`${name}\` \\|.*$`, 'm').exec(page)?.[0] ?? '';
  for (const method of methodsOf(library.Migration)) assert.ok(row('Migration').includes(`\`${method}\``), method);
  for (const method of methodsOf(library.Verification))
    assert.ok(row('Verification').includes(`\`${method}\``), method);
});

test('docs/migrate/library.md names the oldest Node.js on which Linkspan runs', () => {
  const versionIn = (text: string) => /Node\.js (\d+\.\d+) or newer/.exec(text)?.[1];
  assert.ok(versionIn(page));
  assert.equal(versionIn(page), versionIn(errorCatalogue.NODE_TOO_OLD.remedy));
});
