import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, run } from 'node:test';
import { temporaryFolder } from './temporary-folder.ts';
import { TestTally } from './test-tally.ts';

/** Runs files with these contents like `test/run.ts`. Returns the output and the last line of the report. */
async function tallyOf(
  files: Readonly<Record<string, string>>,
): Promise<{ printed: string; last: string | undefined }> {
  using folder = temporaryFolder('tally');
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder.path, `${name}.test.mjs`);
    writeFileSync(path, `import { after, describe, it } from 'node:test';\n${text}`);
    return path;
  });
  const printed: string[] = [];
  const tally = new TestTally(folder.path, (text) => printed.push(text));
  for await (const event of run({ files: paths })) tally.take(event);
  return { printed: printed.join('\n'), last: tally.report().split('\n').at(-1) };
}

describe('the tally of tests', () => {
  // When this variable is set, `run` does nothing, so that a suite cannot run itself without end.
  const context = process.env.NODE_TEST_CONTEXT;
  before(() => void delete process.env.NODE_TEST_CONTEXT);
  after(() => {
    process.env.NODE_TEST_CONTEXT = context;
  });

  it('counts tests, and not suites, files or tests with subtests', async () => {
    const { last } = await tallyOf({
      a: `describe('suite', () => { it('one', () => {}); it('two', async (t) => { await t.test('two and a half', () => {}); }); });`,
      b: `it('three', () => {}); it('four', { skip: 'no tool' }, () => {});`,
    });
    assert.equal(last, '3 passed, 0 failed, 1 skipped');
  });

  it('shows once where and why a test failed', async () => {
    const { printed, last } = await tallyOf({
      a: `describe('suite', () => { it('one', () => { throw new Error('oh'); }); });`,
    });
    assert.match(printed, /✖ a\.test\.mjs:2 one\nError: oh/);
    assert.equal(last, '0 passed, 1 failed, 0 skipped');
  });

  it('lists a test that passes in a second run of its file as flaky, and one that fails again as failed', async () => {
    using folder = temporaryFolder('tally');
    const flaky = `import { existsSync, writeFileSync } from 'node:fs';
      const isFirst = !existsSync('${folder.path}/ran');
      console.log(isFirst ? 'here first' : 'here again');
      it('one', () => { if (isFirst) { writeFileSync('${folder.path}/ran', ''); throw new Error('oh'); } });`;
    const failing = `it('two', () => { throw new Error('oh'); });`;
    const tally = new TestTally(folder.path, () => undefined);
    const paths = [flaky, failing].map((text, n) => {
      const path = join(folder.path, `${n}.test.mjs`);
      writeFileSync(path, `import { it } from 'node:test';\n${text}`);
      return path;
    });
    for await (const event of run({ files: paths })) tally.take(event);
    for (const file of tally.failedFiles) {
      const second = new TestTally(folder.path, () => undefined);
      for await (const event of run({ files: [file] })) second.take(event);
      tally.takeSecondRun(file, second);
    }
    const report = tally.report();
    assert.deepEqual(report.split('\n').slice(-2), ['flaky: 0.test.mjs › one', '1 passed, 1 failed, 0 skipped']);
    assert.match(report, /what 0\.test\.mjs wrote in its first run, which failed .*:\nhere first\n/);
    assert.match(report, /what 0\.test\.mjs wrote in its second run, which passed:\nhere again\n/);
  });

  const failures: [what: string, text: string, last: string][] = [
    ['a skip without a reason', `it.skip('one', () => {});`, '0 passed, 1 failed, 0 skipped'],
    ['a test yet to be written', `it.todo('one');`, '0 passed, 1 failed, 0 skipped'],
    ['a file without a test', ``, '0 passed, 1 failed, 0 skipped'],
    ['a file that cannot be loaded', `import './missing.mjs';`, '0 passed, 1 failed, 0 skipped'],
    [
      'a process that is killed',
      `it('one', () => process.kill(process.pid, 'SIGKILL'));`,
      '0 passed, 1 failed, 0 skipped',
    ],
    [
      'a hook that throws',
      `describe('suite', () => { after(() => { throw new Error('oh'); }); it('one', () => {}); });`,
      '1 passed, 1 failed, 0 skipped',
    ],
  ];
  for (const [what, text, expected] of failures) {
    it(`counts ${what} as a failure`, async () => {
      assert.equal((await tallyOf({ a: text })).last, expected);
    });
  }
});
