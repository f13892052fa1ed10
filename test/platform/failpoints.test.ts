import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { failpoint, onFailpoint } from '../../src/platform/index.ts';

const failpoints = new URL('../../src/platform/failpoints.ts', import.meta.url).href;

/** Runs a process that reaches the point `p` three times and prints that each time. Returns its output and how it ended. */
function reachThrice(point: string): { said: string; signal: NodeJS.Signals | null } {
  const script = `
    import { writeSync } from 'node:fs';
    const { failpoint } = await import(${JSON.stringify(failpoints)});
    for (let n = 1; n <= 3; n++) { await failpoint('p'); writeSync(1, String(n)); }`;
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env: { ...process.env, LINKSPAN_TEST_FAILPOINT: point },
  });
  return { said: stdout, signal };
}

describe('a named point', () => {
  it('holds its caller until the listener resolves', async () => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    using _listening = onFailpoint('here', () => {
      reached.resolve();
      return gate.promise;
    });
    let passed = false;
    const walk = failpoint('here').then(() => {
      passed = true;
    });
    await reached.promise;
    assert.equal(passed, false);
    gate.resolve();
    await walk;
    assert.equal(passed, true);
  });

  it("passes its listener's error on to its caller", async () => {
    using _listening = onFailpoint('here', () => Promise.reject(new Error('stop here')));
    await assert.rejects(failpoint('here'), /stop here/);
  });

  it('does not hold its caller without a listener', async () => {
    {
      using _listening = onFailpoint('here', () => Promise.reject(new Error('stop here')));
    }
    await failpoint('here');
    await failpoint('nowhere');
  });

  it('kills another process at the point that the environment names', () => {
    assert.deepEqual(reachThrice('p=kill'), { said: '', signal: 'SIGKILL' });
    assert.deepEqual(reachThrice('p@3=kill'), { said: '12', signal: 'SIGKILL' });
  });

  it('leaves a process alone whose environment names another or an invalid point', () => {
    for (const point of ['q=kill', 'p@4=kill', 'p=explode', '']) {
      assert.deepEqual(reachThrice(point), { said: '123', signal: null }, point);
    }
  });
});
