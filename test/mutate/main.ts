import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Slots } from '../../src/engine/concurrency/slots.ts';
import { findMongod } from '../support/mongod-binary.ts';
import { changedSince } from './changed-since.ts';
import { type Mutant, mutate } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { repositoryCopy } from './repository-copy.ts';
import { type Rule, readRules } from './rules.ts';
import { runTests, type Verdict } from './run-tests.ts';

/**
 * `npm run mutate -- [--only TEXT] [--since REF] [--part 1/1] [--parallel 3]`: breaks one rule after the other in copies of the repository, some at a time, and
 * prints which test fails. `--only` chooses by the rule, the operation, the file or the test file; `--since` what has changed since a commit;
 * `--part 2/4` runs the second of four parts, because all of them take hours.
 * Exit code 0: each mutant was killed by a test that passes without it. Exit code 1: a mutant survived. Exit code 2: no mutant was chosen.
 */
const { values } = parseArgs({
  // Tests mostly wait.
  options: {
    only: { type: 'string', default: '' },
    since: { type: 'string' },
    part: { type: 'string', default: '1/1' },
    parallel: { type: 'string', default: '3' },
  },
});
const root = resolve(import.meta.dirname, '../..');
const rules = new Map(readRules(root).map((rule) => [rule.name, rule]));
const isChanged = values.since === undefined ? () => true : changedSince(values.since, root);
const [part = 1, parts = 1] = values.part.split('/').map(Number);
const chosen = MUTANTS.filter((mutant, at) => {
  if (Math.floor((at * parts) / MUTANTS.length) !== part - 1) return false;
  const rule = ruleOf(mutant);
  return (
    `${mutant.rule} ${mutant.operation.name} ${rule.file} ${mutant.tests.file}`.includes(values.only) &&
    isChanged(mutant, rule)
  );
});
// All runs then use the same mongod without another search.
process.env.LINKSPAN_MONGOD = (await findMongod()).path;
process.env.LINKSPAN_TEST_DEADLINE_SECONDS = '45';

const survivors: string[] = [];
/** The verdicts on the code as it is, by the tests. */
const healthy = new Map<string, Promise<Verdict>>();
const slots = new Slots(Number(values.parallel));
await Promise.all(chosen.map((mutant) => slots.run(() => tryAndTell(mutant))));
console.log(`\n${chosen.length - survivors.length} mutants killed, ${survivors.length} survived`);
process.exitCode = chosen.length === 0 ? 2 : Math.min(survivors.length, 1);

function ruleOf({ rule: name }: Mutant): Rule {
  const rule = rules.get(name);
  if (rule === undefined) throw new RangeError(`no line of src has the tag ${name}`);
  return rule;
}

async function tryAndTell(mutant: Mutant): Promise<void> {
  const began = Date.now();
  const outcome = await tryMutant(mutant);
  if (!outcome.killed) survivors.push(mutant.rule);
  const seconds = Math.round((Date.now() - began) / 1_000);
  console.log(
    `${outcome.killed ? '✔' : '✖ SURVIVED:'} ${mutant.rule}: ${mutant.operation.name} (${ruleOf(mutant).file})\n    ${outcome.why} [${seconds} s]`,
  );
}

async function tryMutant(mutant: Mutant): Promise<{ readonly killed: boolean; readonly why: string }> {
  const id = JSON.stringify(mutant.tests);
  const running = healthy.get(id) ?? runTests(root, mutant.tests);
  healthy.set(id, running);
  const before = await running;
  if (before.failed !== undefined || before.passed === 0)
    return { killed: false, why: `without the mutant, too, ${before.failed ?? 'no test'} fails` };
  const rule = ruleOf(mutant);
  using folder = repositoryCopy(root);
  writeFileSync(join(folder.path, rule.file), mutate(mutant, rule));
  const { passed, failed } = await runTests(folder.path, mutant.tests);
  return failed === undefined
    ? { killed: false, why: `${passed} tests of ${mutant.tests.file} still pass` }
    : { killed: true, why: `fails: ${failed}` };
}
