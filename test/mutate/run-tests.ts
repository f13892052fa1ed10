import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { run } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { childrenOf, environmentOf, runningProcesses } from '../support/process-status.ts';
import type { TestEvent } from '../support/test-tally.ts';
import type { Mutant } from './mutant.ts';

/** Longer than any of the tests on a busy machine. A test that hangs counts as failed. */
const DEADLINE_MS = 300_000;
/** A test in an endless loop does not end when it is told to. */
const KILLED_AFTER_MS = 10_000;
const POLL_MS = 100;

/** The result of the chosen tests. */
export interface Verdict {
  /** How many passed before one failed. */
  readonly passed: number;
  /** Name of the test that failed first. */
  readonly failed: string | undefined;
}

/** Runs tests of a copy of the repository until one fails. @param root  root of the copy */
export async function runTests(
  root: string,
  { file, name }: Mutant['tests'],
  deadlineMs = DEADLINE_MS,
): Promise<Verdict> {
  const mark = randomUUID();
  const enough = new AbortController();
  let failed: string | undefined;
  let passed = 0;
  const end = (reason: string) => {
    failed ??= reason;
    enough.abort();
  };
  const late = setTimeout(() => end(`${file} did not end`), deadlineMs);
  const events = run({
    files: [join(root, file)],
    cwd: root,
    env: { ...process.env, LINKSPAN_MUTANT: mark },
    forceExit: true,
    signal: enough.signal,
    ...(name === undefined ? {} : { testNamePatterns: [name] }),
  });
  for await (const { type, data } of events as AsyncIterable<TestEvent>) {
    if (failed !== undefined) continue;
    if (type === 'test:pass' && data?.entryFile !== undefined && data.skip === undefined) passed += 1;
    // A file that does not load proves nothing about the rule.
    const isTest = data?.details?.error?.failureType !== 'subtestsFailed' && !data?.name?.endsWith(file);
    if (type === 'test:fail' && isTest) end(data?.name ?? file);
  }
  clearTimeout(late);
  await ended(mark);
  return { passed, failed };
}

/** Waits until all processes of a run have ended, which have the mark in their environment. */
async function ended(mark: string): Promise<void> {
  const began = Date.now();
  for (;;) {
    const left = runningProcesses().filter((pid) => environmentOf(pid).includes(mark));
    if (left.length === 0) return;
    const own = childrenOf(process.pid);
    // The watchdogs of engines outlive their test.
    const isOver = !left.some((pid) => own.includes(pid));
    if (isOver || Date.now() - began > KILLED_AFTER_MS) for (const pid of left) kill(pid);
    await delay(POLL_MS);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
