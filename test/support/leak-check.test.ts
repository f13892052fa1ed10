import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from './temporary-folder.ts';

const here = (name: string) => JSON.stringify(new URL(`./${name}`, import.meta.url).href);

const leaks = {
  'a child process': `spawnTracked('sleeper', 'sleep', ['60'])`,
  'a temporary folder': `temporaryFolder('left')`,
  'a server': `await new Promise((done) => createServer().listen(0, done))`,
  'a timer': `setTimeout(() => {}, 60_000)`,
};
const clean = `
  using folder = temporaryFolder('kept');
  const server = createServer();
  await new Promise((done) => server.listen(0, done));
  server.close();`;

/** Runs these bodies as the tests of one file. Returns the report. */
function runTests(bodies: Readonly<Record<string, string>>): string {
  using folder = temporaryFolder('leaky-tests');
  const file = join(folder.path, 'leaky.test.mjs');
  const tests = Object.entries(bodies).map(([name, body]) => `it(${JSON.stringify(name)}, async () => { ${body} });`);
  writeFileSync(
    file,
    `import { after, it } from 'node:test';
     import { createServer } from 'node:net';
     import { checkForLeaks } from ${here('leak-check.ts')};
     import { spawnTracked } from ${here('child-processes.ts')};
     import { temporaryFolder } from ${here('temporary-folder.ts')};
     checkForLeaks({ deadlineMs: 200 });
     ${tests.join('\n')}
     // A leaked resource would keep the process alive.
     after(() => void setTimeout(() => process.exit(), 200));`,
  );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, ['--test-reporter=tap', file], { encoding: 'utf8', env }).stdout;
}

describe('the leak check', () => {
  it('fails the tests that leave a resource open, and no others', () => {
    const report = runTests({ ...leaks, nothing: clean });
    assert.equal(report.match(/the test left something behind/g)?.length, Object.keys(leaks).length, report);
    for (const what of Object.keys(leaks)) assert.match(report, new RegExp(`^not ok \\d+ - ${what}$`, 'm'));
    assert.match(report, /^ok \d+ - nothing$/m);
  });
});
