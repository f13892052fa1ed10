import { join } from 'node:path';
import { run } from 'node:test';
import type { TestEvent } from '../support/test-tally.ts';
import type { Mutant } from './mutant.ts';

/** Longer than any of the tests on a busy machine. A test that hangs counts as failed. */
const DEADLINE_MS = 300_000;

/** The result of the chosen tests. */
export interface Verdict {
  /** How many passed before one failed. */
  readonly passed: number;
  /** Name of the test that failed first. */
  readonly failed: string | undefined;
}

/** Runs tests of a copy of the repository until one fails. @param root  root of the copy */
export async function runTests(root: string, { file, name }: Mutant['tests']): Promise<Verdict> {
  const enough = new AbortController();
  let failed: string | undefined;
  let passed = 0;
  const events = run({
    files: [join(root, file)],
    cwd: root,
    timeout: DEADLINE_MS,
    forceExit: true,
    signal: enough.signal,
    ...(name === undefined ? {} : { testNamePatterns: [name] }),
  });
  for await (const { type, data } of events as AsyncIterable<TestEvent>) {
    if (failed !== undefined) continue;
    if (type === 'test:pass' && data?.entryFile !== undefined && data.skip === undefined) passed += 1;
    if (type !== 'test:fail') continue;
    const failure = data?.details?.error?.failureType;
    // A file that does not load proves nothing about the rule. One that hangs does.
    const isOfFile = data?.name?.endsWith(file) && failure !== 'testTimeoutFailure';
    if (failure === 'subtestsFailed' || isOfFile) continue;
    failed = data?.name ?? file;
    enough.abort();
  }
  return { passed, failed };
}
