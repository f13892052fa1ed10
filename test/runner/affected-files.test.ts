import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { affectedFiles } from './affected-files.ts';

/** A repository as small as possible: two modules, the program, and tests that use them in different ways. */
const FILES: Readonly<Record<string, string>> = {
  'package.json': '{}',
  'rolldown.config.ts': '',
  'deploy/page.yaml': '',
  'src/link/names.ts': '',
  'src/engine/copy.ts': `import { programBeside } from '../platform.ts'; programBeside(import.meta.url, 'watchdog');`,
  'src/engine/watchdog.ts': '',
  'src/engine/types.ts': '',
  'src/platform.ts': `import type { T } from './engine/types.ts';`,
  'src/cli/main.ts': '',
  'test/run.ts': `import './runner/choose.ts';`,
  'test/runner/choose.ts': '',
  'test/support/child-processes.ts': `import { spawn } from 'node:child_process';`,
  'test/support/linkspan-process.ts': `import { spawnTracked } from './child-processes.ts';`,
  'test/support/servers.ts': `import './mongod-process.ts';`,
  'test/support/mongod-process.ts': `import { spawnTracked } from './child-processes.ts';`,
  'test/engine/copy.test.ts': `import '../support/servers.ts'; import '../../src/engine/copy.ts';`,
  'test/link/names.test.ts': `import '../../src/link/names.ts';`,
  'test/link/dynamic.test.ts': `await import('../../src/link/names.ts');`,
  'test/link/worker.test.ts': `new Worker(new URL('./worker.ts', import.meta.url));`,
  'test/link/worker.ts': '',
  'test/cli/usage.test.ts': `import { runLinkspan } from '../support/linkspan-process.ts';`,
  'test/deploy/page.test.ts': `readFileSync(join('deploy', 'page.yaml'));`,
  'test/deploy/all.test.ts': `globSync('deploy/**/*.yaml', { cwd: ROOT });`,
  'test/package/packed.test.ts': `import { execFile } from 'node:child_process';`,
};

describe('the choice of affected test files', () => {
  const folder = temporaryFolder('affected');
  after(() => folder[Symbol.dispose]());
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  }
  const tests = Object.keys(FILES).filter((path) => path.endsWith('.test.ts'));
  const affectedBy = (...changed: string[]) =>
    affectedFiles(folder.path, changed, tests)
      .flatMap(({ files }) => files)
      .map((file) => file.replace(/^test\/|\.test\.ts$/g, ''))
      .sort();
  /** The tests that start a process, which may read any file outside of `test`. */
  const starting = ['cli/usage', 'package/packed'];

  const changes: [what: string, changed: string, affected: readonly string[]][] = [
    ['a module selects the tests that import it', 'src/link/names.ts', [...starting, 'link/dynamic', 'link/names']],
    ['a module selects the tests that import it through others', 'src/platform.ts', [...starting, 'engine/copy']],
    [
      'the program of a child process selects as its starter does',
      'src/engine/watchdog.ts',
      [...starting, 'engine/copy'],
    ],
    ['types alone select no test that imports them', 'src/engine/types.ts', starting],
    ['a module that only the program imports selects the tests that start it', 'src/cli/main.ts', starting],
    ['a file of the program that is no code selects them, too', 'src/console/page.css', starting],
    ['a worker of a test selects the test that names it', 'test/link/worker.ts', ['link/worker']],
    ['a helper selects the tests that import it through others', 'test/support/servers.ts', ['engine/copy']],
    ['a test file selects itself', 'test/cli/usage.test.ts', ['cli/usage']],
    [
      'a manifest selects the tests that name it or list its folder',
      'deploy/page.yaml',
      ['deploy/all', 'deploy/page', 'package/packed'],
    ],
    ['a manifest that is new or deleted does as well', 'deploy/gone.yaml', ['deploy/all', 'package/packed']],
    ['no change selects no test', '', []],
  ];
  for (const [what, changed, affected] of changes) {
    it(what, () => assert.deepEqual(affectedBy(...(changed === '' ? [] : [changed])), affected.toSorted()));
  }

  for (const changed of ['package.json', 'test/run.ts', 'test/runner/choose.ts', 'test/support/require-node.js']) {
    it(`${changed} selects every test`, () => assert.equal(affectedBy(changed).length, tests.length));
  }

  it('names a reason per group of test files, and each file once', () => {
    assert.deepEqual(affectedFiles(folder.path, ['src/cli/main.ts', 'test/link/worker.ts'], tests), [
      { reason: 'import or name src/cli/main.ts, test/link/worker.ts', files: ['test/link/worker.test.ts'] },
      { reason: 'start the program, which src/cli/main.ts is part of', files: ['test/cli/usage.test.ts'] },
      { reason: 'start another process, which may read src/cli/main.ts', files: ['test/package/packed.test.ts'] },
    ]);
  });
});
