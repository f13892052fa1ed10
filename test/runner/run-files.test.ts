import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { TestTally } from '../support/test-tally.ts';
import { runFiles } from './run-files.ts';

const support = (name: string) => JSON.stringify(new URL(`../support/${name}`, import.meta.url).href);

/** Runs files with these contents, by name. */
async function run(texts: Readonly<Record<string, string>>) {
  using folder = temporaryFolder('runner');
  const files = Object.entries(texts).map(([name, text]) => {
    const path = join(folder.path, `${name}.test.mjs`);
    writeFileSync(path, `import { after, before, test } from 'node:test';\n${text}`);
    return path;
  });
  const printed: string[] = [];
  const tally = new TestTally(folder.path, (text) => printed.push(text));
  await runFiles(files, tally);
  return { printed: printed.join('\n'), last: tally.report().split('\n').at(-1) };
}

const PASSES = `test('passes', () => {});`;

describe('the runner of test files', () => {
  // When this variable is set, `run` does nothing, so that a suite cannot run itself without end.
  const context = process.env.NODE_TEST_CONTEXT;
  before(() => void delete process.env.NODE_TEST_CONTEXT);
  after(() => {
    process.env.NODE_TEST_CONTEXT = context;
  });

  it('runs several files in one process, each with its hooks and its environment', async () => {
    const file = (n: number) => `
      globalThis.files = (globalThis.files ?? 0) + 1;
      let ready = false;
      before(async () => { ready = true; });
      test('hooks', () => { if (!ready) throw new Error('too early'); });
      test('environment', () => { if (process.env.SET_BY) throw new Error('kept'); process.env.SET_BY = '${n}'; });
      if (globalThis.files > 1) test('shared', () => {});`;
    const texts = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`f${n}`, file(n)]));
    const { last } = await run(texts);
    // Two tests of each file, and one more in all but the first file of each of at most four processes.
    assert.match(last ?? '', /^2[0-3] passed, 0 failed, 0 skipped$/);
  });

  it('fails a file that cannot be loaded, and one without tests', async () => {
    const { printed, last } = await run({ broken: `throw new Error('no load');`, empty: '', good: PASSES });
    assert.match(printed, /broken\.test\.mjs.*\nError: no load/);
    assert.match(printed, /empty\.test\.mjs.*\nthe file has no test/);
    assert.equal(last, '1 passed, 2 failed, 0 skipped');
  });

  it('fails a file that ends its process, and counts all others', async () => {
    const files = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`f${n}`, PASSES]));
    const { printed, last } = await run({ ...files, exits: `test('exits', () => process.exit(0));`, g: PASSES });
    assert.match(printed, /exits\.test\.mjs.*\nError: its process ended before it/);
    assert.equal(last, '7 passed, 1 failed, 0 skipped');
  });

  it('names a file that leaves something behind, and keeps it from the next', async () => {
    const leaves = `
      import { temporaryFolder } from ${support('temporary-folder.ts')};
      test('leaves', () => void temporaryFolder('left'));`;
    const { printed, last } = await run({ leaves, next: PASSES });
    assert.match(printed, /leaves\.test\.mjs.*\nError: it has left behind: folder/);
    assert.equal(last, '2 passed, 1 failed, 0 skipped');
  });
});
