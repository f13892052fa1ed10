import { type Failure, TestTally } from '../support/test-tally.ts';

/** Runs files and counts their results. */
type RunFiles = (files: readonly string[], tally: TestTally) => Promise<void>;

/**
 * Runs test files again and again, and continues after failures. Prints what failed in each round, and at the end each failed test with the number of
 * its failures and the output of the first one. The last line is `N passed, N failed, N skipped`, the sums of all rounds.
 * @param root   paths are shown relative to it
 * @param files  absolute paths
 * @returns the number of failures
 */
export async function stress(
  root: string,
  files: readonly string[],
  rounds: number,
  runFiles: RunFiles,
  print: (text: string) => void = console.log,
): Promise<number> {
  const failures = new Map<string, Failure[]>();
  const sums = { passed: 0, failed: 0, skipped: 0 };
  for (let round = 1; round <= rounds; round++) {
    const tally = new TestTally(root, () => undefined);
    await runFiles(files, tally);
    for (const failure of tally.failures) {
      const title = `${failure.file} › ${failure.name}`;
      failures.set(title, [...(failures.get(title) ?? []), failure]);
    }
    for (const key of ['passed', 'failed', 'skipped'] as const) sums[key] += tally[key];
    const names = tally.failures.map(({ file, name }) => `\n  ${file} › ${name}`);
    print(`round ${round} of ${rounds}: ${tally.failed} failed${names.join('')}`);
  }
  for (const [title, [first, ...more]] of failures)
    print(`\n${title}: failed in ${more.length + 1} of ${rounds} rounds, first with\n${first?.output}`);
  print(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
  return sums.failed;
}
