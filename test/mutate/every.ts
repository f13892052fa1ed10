import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Slots } from '../../src/engine/concurrency/slots.ts';
import { clusterFolder } from '../support/cluster-folder.ts';
import { findMongod } from '../support/mongod-binary.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';
import { everyMutant, type SyntaxMutant } from './every-mutant.ts';
import { MUTANTS } from './mutants.ts';
import { type Reach, reaches, reachOf } from './reaching-tests.ts';
import { repositoryCopy } from './repository-copy.ts';
import { readRules } from './rules.ts';
import { runTests } from './run-tests.ts';

/**
 * `npm run mutate:every -- [--unreached] [--part 1/1] [--parallel 3] FOLDER…`: breaks each awaited statement, guard and order of the source files of
 * folders that has no rule's tag, and runs the tests of the engine that reach it: the two soonest, those of the same folder before others, and at most four
 * that kill mutants of the file's rules. Prints what survives, and what no test reaches; with `--unreached` only the latter, and runs no mutant. The first
 * run takes half an hour longer, because it measures what each test reaches.
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
/** Test files that run for a mutant: the soonest, then those that kill mutants of the file's rules. */
const SOONEST = 2;
const OF_RULES = 4;
/** How much sooner a test of the same folder runs than others. */
const SAME_FOLDER = 0.3;
/** For a file of tests, together with three times what it took at the measurement. */
const SHORTEST_DEADLINE_MS = 60_000;
const root = resolve(import.meta.dirname, '../..');
const parallel = Number(values.parallel);
process.env.LINKSPAN_MONGOD = (await findMongod()).path;
process.env.LINKSPAN_TEST_CLUSTERS ??= clusterFolder();
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/mutants');

const engine = globSync('src/engine/**/*.ts', { cwd: root }).sort();
const fileOfRule = new Map(readRules(root).map(({ name, file }) => [name, file]));
const files = engine.filter((file) => positionals.some((folder) => file.startsWith(folder)));
const tests = globSync('test/engine/**/*.test.ts', { cwd: root }).sort();
const reach = (await reachOf(root, tests, engine, parallel)).filter(({ passes }) => passes);
// Set after the measurement, because healthy tests may wait longer.
process.env.LINKSPAN_TEST_DEADLINE_SECONDS = '45';
const verdicts = readFileSync(join(import.meta.dirname, 'survivors.md'), 'utf8');
const [part = 1, parts = 1] = values.part.split('/').map(Number);
const mutants = files
  .flatMap((file) => everyMutant(file, readFileSync(join(root, file), 'utf8')))
  .filter((mutant, at) => at % parts === part - 1 && !verdicts.includes(rowOf(mutant)));

const reached = mutants.filter((mutant) => testsOf(mutant).length > 0);
for (const mutant of mutants)
  if (!reached.includes(mutant)) console.log(`✖ unreached line ${mutant.line} ${rowOf(mutant)}`);

let survived = 0;
if (!values.unreached) {
  const slots = new Slots(parallel);
  const copies = Array.from({ length: parallel }, () => repositoryCopy(root));
  await Promise.all(reached.map((mutant) => slots.run(() => tryMutant(mutant, copies))));
  console.log(`\n${reached.length - survived} mutants killed, ${survived} survived`);
}
const unreached = mutants.length - reached.length;
console.log(`${unreached} of ${mutants.length} mutants reached by no test`);
process.exitCode = files.length === 0 ? 2 : Math.min(survived + unreached, 1);

/** Runs the mutant's tests in one of the copies. */
async function tryMutant(mutant: SyntaxMutant, copies: TemporaryFolder[]): Promise<void> {
  const began = Date.now();
  const copy = copies.pop();
  if (copy === undefined) throw new Error('more mutants at a time than copies');
  const broken = join(copy.path, mutant.file);
  writeFileSync(broken, mutant.text);
  const reaching = testsOf(mutant);
  const isOfRules = ({ test }: Reach) =>
    MUTANTS.some((one) => one.tests.file === test && fileOfRule.get(one.rule) === mutant.file);
  const rest = reaching.slice(SOONEST);
  const ofRules = rest.filter(isOfRules).slice(0, OF_RULES);
  const chosen = [...reaching.slice(0, SOONEST), ...(ofRules.length > 0 ? ofRules : rest.slice(0, SOONEST))];
  let killer: string | undefined;
  for (const { test, seconds } of chosen) {
    ({ failed: killer } = await runTests(copy.path, { file: test }, SHORTEST_DEADLINE_MS + seconds * 3_000));
    if (killer !== undefined) break;
  }
  writeFileSync(broken, readFileSync(join(root, mutant.file)));
  copies.push(copy);
  if (killer === undefined) survived += 1;
  const outcome = killer === undefined ? '✖ survived' : '✔ killed';
  const why =
    killer === undefined
      ? `${chosen.length} of ${reaching.length} files: ${chosen.map((each) => basename(each.test)).join(', ')}`
      : `fails: ${killer}`;
  const seconds = Math.round((Date.now() - began) / 1_000);
  console.log(`${outcome} line ${mutant.line} ${rowOf(mutant)} ${why} [${seconds} s]`);
}

/** Returns the tests that reach the mutant, in the order in which they run. */
function testsOf(mutant: SyntaxMutant): Reach[] {
  return reach
    .filter((each) => reaches(each, mutant.file, mutant.reaches))
    .sort((a, b) => costOf(a, mutant) - costOf(b, mutant));
}

function costOf({ test, seconds }: Reach, { file }: SyntaxMutant): number {
  const isSame = relative('test', dirname(test)) === relative('src', dirname(file));
  return seconds * (isSame ? SAME_FOLDER : 1);
}

/** The begin of the mutant's row in `survivors.md`. */
function rowOf({ file, change, code }: SyntaxMutant): string {
  return `| \`${relative('src/engine', file)}\` | ${change} | \`${code.replaceAll('|', '\\|')}\` |`;
}
