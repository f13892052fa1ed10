import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'rolldown';
import program from '../rolldown.config.ts';
import { GREEDY_FILES } from './long-files.ts';
import { defaultReference, NothingToChoose } from './runner/changed-files.ts';
import { chooseFiles } from './runner/choose-files.ts';
import { cpuSeconds } from './runner/cpu-time.ts';
import { runFailedAgain } from './runner/run-again.ts';
import { runFiles } from './runner/run-files.ts';
import { stress } from './runner/stress.ts';
import { useAllProcessors } from './runner/use-all-processors.ts';
import { clusterFolder } from './support/cluster-folder.ts';
import { findMongod, MongodUnavailable } from './support/mongod-binary.ts';
import { TestTally } from './support/test-tally.ts';

const ROOT = resolve(import.meta.dirname, '..');

/**
 * `node test/run.ts [--long] [--since [REF]] [--stress N] [FILTER…]`: runs the test files whose path contains one of the filters, on real
 * servers. Without a filter it runs all except the long ones, and with `--long` only the long ones.
 * `--since` leaves out the files that no change since a Git reference can affect. `--stress` runs the files N times beside processes that use all
 * cores. Without a filter, and under stress, it compiles the program first, and starts processes from that: they start faster, and it is what packages contain.
 * A failed file that compares no data runs once more, alone; when it passes, it counts as passed and its failures are listed as flaky.
 * The last line is `N passed, N failed, N skipped`. Exit code 0: no test failed. Exit code 1: some failed. Exit code 2: it could not run.
 */
async function main(words: readonly string[]): Promise<number> {
  const options = { long: { type: 'boolean' }, since: { type: 'string' }, stress: { type: 'string' } } as const;
  const { values, positionals: filters } = parseArgs({ args: withReference(words), options, allowPositionals: true });
  const { files, notes } = chooseFiles(ROOT, { long: values.long ?? false, filters, since: values.since });
  for (const note of notes) console.log(note);
  const rounds = values.stress === undefined ? undefined : roundsOf(values.stress, filters);
  const { path, origin } = await findMongod();
  console.log(`using ${origin}`);
  // All files then use the same mongod without another search.
  process.env.LINKSPAN_MONGOD = path;
  process.env.LINKSPAN_TEST_CLUSTERS ??= clusterFolder();
  // Workers load the same modules.
  process.env.NODE_COMPILE_CACHE ??= resolve(ROOT, 'node_modules/.cache/tests');
  if (filters.length === 0 || rounds !== undefined) {
    await build(program);
    process.env.LINKSPAN_TEST_PROGRAM = resolve(ROOT, 'dist/program/launch.js');
  }
  // Two files that make it at the same time disturb each other.
  if (files.some((file) => file.startsWith('test/console/')))
    await (await import('./console/installed-console.ts')).installConsole();
  const chosen = files.map((file) => resolve(ROOT, file));
  if (rounds !== undefined) {
    using _ = useAllProcessors();
    return (await stress(ROOT, chosen, rounds, runFiles)) === 0 ? 0 : 1;
  }
  return await runOnce(chosen);
}

async function runOnce(files: readonly string[]): Promise<number> {
  const tally = new TestTally(ROOT);
  const isGreedy = (file: string) => GREEDY_FILES.includes(relative(ROOT, file));
  const beside = files.filter((file) => !isGreedy(file));
  for (const group of [beside, ...files.filter(isGreedy).map((file) => [file])]) await runFiles(group, tally);
  await runFailedAgain(ROOT, tally);
  console.log(
    `${Math.round(process.uptime())} s, ${Math.round(cpuSeconds())} CPU-s with all processes\n${tally.report()}`,
  );
  return tally.failed === 0 ? 0 : 1;
}

/** Adds the reference that `--since` has by default, which `parseArgs` can't. */
function withReference(words: readonly string[]): string[] {
  const isBare = (word: string, at: number) => word === '--since' && (words[at + 1] ?? '--').startsWith('--');
  return words.map((word, at) => (isBare(word, at) ? `--since=${defaultReference(ROOT)}` : word));
}

function roundsOf(value: string, filters: readonly string[]): number {
  const rounds = Number(value);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new NothingToChoose(`--stress takes a number of rounds, not "${value}"`);
  if (filters.length === 0)
    throw new NothingToChoose('--stress takes the files to repeat: npm test -- --stress 3 test/hooks/');
  return rounds;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof MongodUnavailable || error instanceof NothingToChoose)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
