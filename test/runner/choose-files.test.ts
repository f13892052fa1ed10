import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { changedFiles, defaultReference, NothingToChoose } from './changed-files.ts';
import { chooseFiles } from './choose-files.ts';

const LONG = ['test/engine/kill.test.ts'];

describe('the choice of test files', () => {
  const folder = temporaryFolder('chosen');
  after(() => folder[Symbol.dispose]());
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  };
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  const git = (...words: string[]) => execFileSync('git', [...identity, ...words], { cwd: folder.path, stdio: 'pipe' });
  const commit = (...words: string[]) => {
    git('add', '--all');
    git('commit', '--message', 'test', ...words);
  };
  const choose = (request: { long?: boolean; filters?: string[]; since?: string }) =>
    chooseFiles(folder.path, { long: false, filters: [], since: undefined, ...request }, LONG);

  write('src/copy.ts', 'export const copied = 1;');
  write('src/link.ts', 'export const linked = 1;');
  for (const name of ['engine/copy', 'engine/kill']) write(`test/${name}.test.ts`, `import '../../src/copy.ts';`);
  write('test/link/token.test.ts', `import '../../src/link.ts';`);
  git('init', '--initial-branch', 'main');
  commit();
  git('checkout', '-b', 'branch');

  it('leaves out the long files unless a filter names them, or only they are asked for', () => {
    assert.deepEqual(choose({}).files, ['test/engine/copy.test.ts', 'test/link/token.test.ts']);
    assert.deepEqual(choose({ filters: ['./test/engine'] }).files, ['test/engine/copy.test.ts', ...LONG]);
    assert.deepEqual(choose({ long: true }).files, LONG);
  });

  it('refuses a filter that matches no file', () => {
    assert.throws(() => choose({ filters: ['engine', 'nothing'] }), /no test file matches "nothing"/);
  });

  it('since a reference, chooses what the working tree can affect, and names the long files with their command', () => {
    assert.deepEqual(choose({ since: 'main' }), {
      files: [],
      notes: ['0 changed files since main: 0 of 2 test files are affected'],
    });
    write('src/copy.ts', 'export const copied = 2;');
    assert.deepEqual(choose({ since: 'main' }), {
      files: ['test/engine/copy.test.ts'],
      notes: [
        '1 changed files since main: 1 of 2 test files are affected',
        '  1 import or name src/copy.ts',
        '1 long test files are affected too, run them by `npm run test:long -- --since main`:',
        '  test/engine/kill.test.ts',
      ],
    });
    assert.deepEqual(choose({ since: 'main', long: true }).files, LONG);
    assert.deepEqual(choose({ since: 'main', filters: ['link'] }).files, []);
  });

  it('counts committed, staged, deleted and untracked files as changed, and not what the reference alone changed', () => {
    commit();
    rmSync(join(folder.path, 'src/link.ts'));
    write('deploy/new.yaml', '');
    git('checkout', '--quiet', 'main');
    write('deploy/of-main.yaml', '');
    git('add', 'deploy/of-main.yaml');
    git('commit', '--message', 'test');
    git('checkout', '--quiet', 'branch');
    assert.deepEqual(changedFiles(folder.path, 'main'), ['deploy/new.yaml', 'src/copy.ts', 'src/link.ts']);
    assert.deepEqual(choose({ since: 'main' }).files, ['test/engine/copy.test.ts', 'test/link/token.test.ts']);
  });

  it('compares with main where there is no origin/main, and refuses a reference that Git does not know', () => {
    assert.equal(defaultReference(folder.path), 'main');
    git('update-ref', 'refs/remotes/origin/main', 'main');
    assert.equal(defaultReference(folder.path), 'origin/main');
    assert.throws(() => choose({ since: 'nowhere' }), NothingToChoose);
  });
});
