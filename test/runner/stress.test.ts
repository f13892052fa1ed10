import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { runningChildren } from '../support/child-processes.ts';
import { eventually } from '../support/eventually.ts';
import type { TestTally } from '../support/test-tally.ts';
import { stress } from './stress.ts';
import { useAllProcessors } from './use-all-processors.ts';

describe('a run under stress', () => {
  it('continues after failures, and prints them by test with their number and what the first one wrote', async () => {
    const printed: string[] = [];
    let round = 0;
    const runFiles = async ([file = '']: readonly string[], tally: TestTally) => {
      round++;
      const ofTest = (name: string) => ({ name, file, entryFile: file });
      tally.take({ type: 'test:stdout', data: { file, message: `output of round ${round}\n` } });
      tally.take({ type: 'test:pass', data: ofTest('steady') });
      const error = new Error(`round ${round}`);
      tally.take(
        round === 1
          ? { type: 'test:pass', data: ofTest('flaky') }
          : { type: 'test:fail', data: { ...ofTest('flaky'), details: { error } } },
      );
    };
    assert.equal(await stress('/root', ['/root/a.test.ts'], 3, runFiles, (text) => printed.push(text)), 2);
    const all = printed.join('\n');
    assert.match(
      all,
      /round 1 of 3: 0 failed\nround 2 of 3: 1 failed\n {2}a\.test\.ts › flaky\nround 3 of 3: 1 failed/,
    );
    assert.match(all, /a\.test\.ts › flaky: failed in 2 of 3 rounds, first with\nError: round 2/);
    assert.match(all, /output of round 2/);
    assert.doesNotMatch(all, /Error: round 3|output of round 3/);
    assert.equal(printed.at(-1), '4 passed, 2 failed, 0 skipped');
  });

  it('has a busy process for each core, which ends with the run', async () => {
    const busy = () => runningChildren().filter((child) => child.startsWith('busy process')).length;
    const load = useAllProcessors();
    assert.equal(busy(), availableParallelism());
    load[Symbol.dispose]();
    await eventually(() => busy() === 0, { what: 'the busy processes to end' });
  });
});
