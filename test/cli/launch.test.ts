import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { errorCatalogue } from '../../src/platform/index.ts';

const launcher = new URL('../../src/cli/launch.js', import.meta.url).pathname;

function launch(nodeVersion: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${nodeVersion}' } });`;
  const argv = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, launcher, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
}

test('a Node.js that cannot run Linkspan prints one line with the text of the error catalogue', async () => {
  const { detail, remedy } = errorCatalogue.NODE_TOO_OLD;
  for (const old of ['20.20.2', '22.23.0', '24.14.1', '18.0.0']) {
    const { code, stdout, stderr } = await launch(old, '--version');
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 2, stdout: '', stderr: `linkspan: ${detail.replace('%', old)} ${remedy} [NODE_TOO_OLD]\n` },
    );
  }
});

test('a Node.js that is new enough runs it', async () => {
  for (const fine of ['24.15.0', '24.21.0', '26.1.0']) {
    const { code, stdout } = await launch(fine, '--version');
    assert.deepEqual([code, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true], fine);
  }
});
