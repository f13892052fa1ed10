import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { LONG_FILES } from './long-files.ts';
import { findMongod, MongodUnavailable } from './support/mongod-binary.ts';
import { TestTally } from './support/test-tally.ts';

/** More than any file needs: whatever hangs is reported as failed instead. */
const FILE_DEADLINE_MS = 600_000;
/** More than the two cores that a machine may have: much of what tests do is waiting. */
const CONCURRENT_FILES = 3;

/**
 * `node test/run.ts [--long] [FILTER…]`: runs the test files whose path contains one of the filters, on real servers. Without a filter it runs
 * all but the long ones, and with `--long` the long ones alone.
 * Ends with the line `N passed, N failed, N skipped`. Exit code 0 when none failed, 1 when some did, 2 when it could not run.
 */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { long: { type: 'boolean' } }, allowPositionals: true });
  const root = resolve(import.meta.dirname, '..');
  const present = globSync('test/**/*.test.ts', { cwd: root }).sort();
  const others = present.filter((file) => !LONG_FILES.includes(file));
  const every = values.long ? LONG_FILES : positionals.length > 0 ? present : others;
  const filters = positionals;
  const chosenBy = (filter: string) => every.filter((file) => file.includes(filter.replace(/^\.\//, '')));
  const wanted = filters.length === 0 ? [''] : filters;
  const idle = wanted.filter((filter) => chosenBy(filter).length === 0);
  if (idle.length > 0) {
    console.error(`no test file matches ${idle.map((filter) => `"${filter}"`).join(', ')}: nothing was tested`);
    return 2;
  }
  const files = [...new Set(wanted.flatMap(chosenBy))].map((file) => resolve(root, file));
  try {
    const { path, origin } = await findMongod();
    console.log(`using ${origin}`);
    // So that all files use the same one, without looking for it again.
    process.env.LINKSPAN_MONGOD = path;
  } catch (error) {
    if (!(error instanceof MongodUnavailable)) throw error;
    console.error(error.message);
    return 2;
  }
  // Each file is a process of its own, and most of them load the same modules.
  process.env.NODE_COMPILE_CACHE ??= resolve(root, 'node_modules/.cache/tests');
  const tally = new TestTally(root);
  // Forced to exit: what a test that failed has left running must not hold up all others.
  const events = run({ files, concurrency: CONCURRENT_FILES, timeout: FILE_DEADLINE_MS, forceExit: true });
  for await (const event of events) tally.take(event);
  console.log(tally.report());
  return tally.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
