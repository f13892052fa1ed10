import { globSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'rolldown';
import program from '../rolldown.config.ts';
import { GREEDY_FILES, LONG_FILES } from './long-files.ts';
import { cpuSeconds } from './runner/cpu-time.ts';
import { runFiles } from './runner/run-files.ts';
import { clusterFolder } from './support/cluster-folder.ts';
import { findMongod, MongodUnavailable } from './support/mongod-binary.ts';
import { TestTally } from './support/test-tally.ts';

/**
 * `node test/run.ts [--long] [FILTER…]`: runs the test files whose path contains one of the filters, on real servers. Without a filter it runs
 * all except the long ones, and with `--long` only the long ones. Both compile the program first, and start processes from that: they start faster,
 * and it is what packages contain.
 * A failed file that compares no data runs once more, alone; when it passes, it counts as passed and its failures are listed as flaky.
 * The last line is `N passed, N failed, N skipped`. Exit code 0: no test failed. Exit code 1: some failed. Exit code 2: it could not run.
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
    // All files then use the same mongod without another search.
    process.env.LINKSPAN_MONGOD = path;
  } catch (error) {
    if (!(error instanceof MongodUnavailable)) throw error;
    console.error(error.message);
    return 2;
  }
  process.env.LINKSPAN_TEST_CLUSTERS ??= clusterFolder();
  // Each file runs in a separate process, and most of them load the same modules.
  process.env.NODE_COMPILE_CACHE ??= resolve(root, 'node_modules/.cache/tests');
  if (filters.length === 0) {
    await build(program);
    process.env.LINKSPAN_TEST_PROGRAM = resolve(root, 'dist/program/launch.js');
  }
  const tally = new TestTally(root);
  const isGreedy = (file: string) => GREEDY_FILES.includes(relative(root, file));
  const beside = files.filter((file) => !isGreedy(file));
  for (const group of [beside, ...files.filter(isGreedy).map((file) => [file])]) await runFiles(group, tally);
  for (const file of tally.failedFiles.filter((one) => !comparesData(one))) {
    console.log(`running ${relative(root, file)} once more, alone, because it failed`);
    const second = new TestTally(root);
    await runFiles([file], second);
    tally.takeSecondRun(file, second);
  }
  console.log(
    `${Math.round(process.uptime())} s, ${Math.round(cpuSeconds())} CPU-s with all processes\n${tally.report()}`,
  );
  return tally.failed === 0 ? 0 : 1;
}

/** Whether a file compares data. A failure there may be a lost document, so no second run can make up for it. */
function comparesData(file: string): boolean {
  return /expectIdentical|compareClusters|SideWriter|LedgerWriter|countDocuments/.test(readFileSync(file, 'utf8'));
}

process.exitCode = await main();
