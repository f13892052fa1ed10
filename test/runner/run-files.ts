import { run } from 'node:test';
import type { TestTally } from '../support/test-tally.ts';

/** Longer than any file runs. A file that hangs is reported as failed. */
const FILE_DEADLINE_MS = 1_200_000;
/** More than the two cores of a small machine, because tests mostly wait. */
const CONCURRENT_FILES = 3;

/** Runs test files, given by absolute paths, and counts their results in the tally. */
export async function runFiles(files: readonly string[], tally: TestTally): Promise<void> {
  // Forces an exit: resources that a failed test left open must not delay all others.
  const options = { concurrency: CONCURRENT_FILES, timeout: FILE_DEADLINE_MS, forceExit: true };
  if (files.length > 0) for await (const event of run({ ...options, files })) tally.take(event);
}
