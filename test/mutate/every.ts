import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Slots } from '../../src/engine/concurrency/slots.ts';
import { clusterFolder } from '../support/cluster-folder.ts';
import { findMongod } from '../support/mongod-binary.ts';
import { everyMutant, type SyntaxMutant } from './every-mutant.ts';
import { type Reach, reaches, reachOf } from './reaching-tests.ts';
import { repositoryCopy } from './repository-copy.ts';
import { runTests } from './run-tests.ts';

/**
 * `npm run mutate:every -- [--unreached] [--part 1/1] [--parallel 3] FOLDER…`: breaks each awaited statement, guard and order of the source files of
 * folders that has no rule's tag, and runs the tests of the engine that reach it, at most four of them: the shortest first, those of the same
 * folder before others. Prints what survives, and what no test reaches; with `--unreached` only the latter, and runs no mutant. The first run
 * takes half an hour longer, because it measures what each test reaches.
 * Exit code 0: all were killed, or have a verdict in `survivors.md`. Exit code 1: some survived. Exit code 2: there is no such file.
 */
const { values, positionals } = parseArgs({
  // Tests mostly wait.
  options: {
    unreached: { type: 'boolean', default: false },
    part: { type: 'string', default: '1/1' },
    parallel: { type: 'string', default: '3' },
  },
  allowPositionals: true,
});
/** Most test files that run for a mutant. */
const TESTS = 4;
/** How much sooner a test of the same folder runs than others. */
const SAME_FOLDER = 0.3;
const root = resolve(import.meta.dirname, '../..');
const parallel = Number(values.parallel);
process.env.LINKSPAN_MONGOD = (await findMongod()).path;
process.env.LINKSPAN_TEST_CLUSTERS ??= clusterFolder();
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/mutants');
process.env.LINKSPAN_TEST_DEADLINE_SECONDS = '45';

const engine = globSync('src/engine/**/*.ts', { cwd: root }).sort();
const files = engine.filter((file) => positionals.some((folder) => file.startsWith(folder)));
const tests = globSync('test/engine/**/*.test.ts', { cwd: root }).sort();
const reach = (await reachOf(root, tests, engine, parallel)).filter(({ passes }) => passes);
const verdicts = readFileSync(join(import.meta.dirname, 'survivors.md'), 'utf8');
const [part = 1, parts = 1] = values.part.split('/').map(Number);
const mutants = files
  .flatMap((file) => everyMutant(file, readFileSync(join(root, file), 'utf8')))
  .filter((mutant, at) => at % parts === part - 1 && !verdicts.includes(rowOf(mutant)));

const counts = { killed: 0, survived: 0, unreached: 0 };
const slots = new Slots(parallel);
const copies = Array.from({ length: parallel }, () => repositoryCopy(root));
await Promise.all(mutants.map((mutant) => slots.run(() => tryMutant(mutant))));
for (const copy of copies) copy[Symbol.dispose]();
console.log(`\n${counts.killed} mutants killed, ${counts.survived} survived, ${counts.unreached} reached by no test`);
process.exitCode = files.length === 0 ? 2 : Math.min(counts.survived + counts.unreached, 1);

async function tryMutant(mutant: SyntaxMutant): Promise<void> {
  const began = Date.now();
  const reaching = reach
    .filter((each) => reaches(each, mutant.file, mutant.reaches))
    .sort((a, b) => costOf(a, mutant) - costOf(b, mutant));
  if (values.unreached && reaching.length > 0) return;
  const chosen = reaching.slice(0, TESTS);
  const copy = copies.pop();
  if (copy === undefined) throw new Error('more mutants at a time than copies');
  const healthy = join(root, mutant.file);
  const broken = join(copy.path, mutant.file);
  writeFileSync(broken, mutant.text);
  let killer: string | undefined;
  for (const { test } of chosen) {
    const { failed } = await runTests(copy.path, { file: test });
    killer = failed[0];
    if (killer !== undefined) break;
  }
  writeFileSync(broken, readFileSync(healthy));
  copies.push(copy);
  const outcome = killer !== undefined ? 'killed' : chosen.length === 0 ? 'unreached' : 'survived';
  counts[outcome] += 1;
  const seconds = Math.round((Date.now() - began) / 1_000);
  const why =
    killer !== undefined
      ? `fails: ${killer}`
      : `${chosen.length} of ${reaching.length} files: ${chosen.map((each) => basename(each.test)).join(', ')}`;
  console.log(
    `${outcome === 'killed' ? '✔' : '✖'} ${outcome} line ${mutant.line} ${rowOf(mutant)} ${why} [${seconds} s]`,
  );
}

function costOf({ test, seconds }: Reach, { file }: SyntaxMutant): number {
  return seconds * (dirname(test) === folderOfTests(dirname(file)) ? SAME_FOLDER : 1);
}

function folderOfTests(folder: string): string {
  return join('test', relative('src', folder));
}

/** The begin of the mutant's row in `survivors.md`. */
function rowOf({ file, change, code }: SyntaxMutant): string {
  return `| \`${relative('src/engine', file)}\` | ${change} | \`${code.replaceAll('|', '\\|')}\` |`;
}
