import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { checkImports } from './check-imports.ts';

const root = resolve(import.meta.dirname, '../..');

/** Returns the problems in a copy of the repository's source that `plant` has changed. */
function problemsWith(plant: (copy: string) => void): readonly string[] {
  using folder = temporaryFolder('imports');
  for (const part of ['src', 'test/support', 'package.json', 'docs/internals/architecture.md']) {
    cpSync(join(root, part), join(folder.path, part), { recursive: true });
  }
  plant(folder.path);
  return checkImports(folder.path).problems;
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

describe('the check of imports', () => {
  it('passes for the repository, and has checked it', () => {
    const { problems, files } = checkImports(root);
    assert.deepEqual(problems, []);
    assert.ok(files > 50);
  });

  const planted: [what: string, file: string, text: string, seen: RegExp][] = [
    [
      'a static import',
      'src/engine/planted.ts',
      `import { connect } from '../http/index.ts';\nconnect();`,
      /engine may not use/,
    ],
    [
      'an import of a type',
      'src/platform/planted.ts',
      `import type { X } from '../engine/index.ts';\nexport type Y = X;`,
      /platform may not use/,
    ],
    ['a dynamic import', 'src/engine/planted.ts', `await import('../control/index.ts');`, /engine may not use/],
    [
      'a way past an index.ts',
      'src/sync/planted.ts',
      `import type { X } from '../engine/migration.ts';\nexport type Y = X;`,
      /entered through its index/,
    ],
    [
      'more than a type where only types are allowed',
      'src/console/planted.ts',
      `export { openSyncApi } from '../sync/index.ts';`,
      /only types of src\/sync/,
    ],
    [
      'an import from a lower room to a higher one, even of a type',
      'src/engine/bson/planted.ts',
      `import type { X } from '../mongodb/fence.ts';\nexport type Y = X;`,
      /engine\/bson may not use src\/engine\/mongodb/,
    ],
    [
      'an import between rooms of one rank',
      'src/engine/records/planted.ts',
      `import type { X } from '../catalog/fields.ts';\nexport type Y = X;`,
      /engine\/records may not use src\/engine\/catalog/,
    ],
    [
      'an import of a file above the rooms',
      'src/engine/run/planted.ts',
      `import type { X } from '../migration.ts';\nexport type Y = X;`,
      /engine\/run may not use files above/,
    ],
    [
      'a comparer that imports the product',
      'test/support/planted.ts',
      `import { version } from '../../src/platform/index.ts';\nversion;`,
      /must not import the product/,
    ],
  ];
  const nameOf = (n: number) => planted[n]?.[1].replace('planted', `planted${n}`) ?? '';
  // One copy for all of them: each check reads the whole of src.
  const problemsOfAll = lazily(() =>
    problemsWith((copy) => planted.forEach(([, , text], n) => void writeFileSync(join(copy, nameOf(n)), text))),
  );
  for (const [n, [what, , , seen]] of planted.entries()) {
    it(`finds ${what}`, () => {
      const problems = problemsOfAll().filter((problem) => problem.includes(nameOf(n)));
      assert.equal(problems.length, 1, problemsOfAll().join('\n'));
      assert.match(problems[0] ?? '', seen);
    });
  }

  it('finds files that import each other through a third', () => {
    const problems = problemsWith((copy) => {
      for (const [name, next] of ['ab', 'bc', 'ca']) {
        writeFileSync(join(copy, `src/platform/${name}.ts`), `export { X } from './${next}.ts';`);
      }
    });
    assert.deepEqual(
      problems.map((problem) =>
        problem
          .replace(/^a circle: /, '')
          .split(' → ')
          .sort(),
      ),
      [['src/platform/a.ts', 'src/platform/b.ts', 'src/platform/c.ts']],
    );
  });

  it('fails when there is no file to check', () => {
    const problems = problemsWith((copy) => {
      rmSync(join(copy, 'src'), { recursive: true });
      mkdirSync(join(copy, 'src'));
    });
    assert.ok(problems.includes('src/engine: no file was checked'));
  });

  it('fails for a folder without a row in the table', () => {
    const problems = problemsWith((copy) => {
      for (const folder of ['src/extras', 'src/engine/extras']) mkdirSync(join(copy, folder));
    });
    assert.match(problems.join('\n'), /src\/engine\/extras: a folder without a row/);
    assert.match(problems.join('\n'), /src\/extras: a folder without a row/);
  });
});
