import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { checkMutants } from './check-mutants.ts';
import { type MutantTable, mutantsOf } from './mutant.ts';
import { remove, replace } from './operations.ts';

/** Returns the problems of a repository with this source and one test file. */
function problemsOf(source: string, table: MutantTable): readonly string[] {
  using folder = temporaryFolder('mutants');
  for (const [file, text] of [
    ['src/a.ts', source],
    ['test/a.test.ts', "test('it holds', () => {});"],
  ] as const) {
    mkdirSync(dirname(join(folder.path, file)), { recursive: true });
    writeFileSync(join(folder.path, file), text);
  }
  return checkMutants(folder.path, mutantsOf(table)).problems;
}

const TEST = 'test/a.test.ts';

test('a mutant that fits its rule is no problem, whatever the names and the place', () => {
  const table: MutantTable = { [TEST]: [['one', remove('operand 2'), 'holds']] };
  assert.deepEqual(problemsOf('// rule: one\nif (a && b) c();', table), []);
  assert.deepEqual(problemsOf('function moved() {\n// rule: one\nif (x && y) z();\n}', table), []);
});

const samples: [what: string, source: string, table: MutantTable, seen: RegExp][] = [
  ['a tag without a mutant', '// rule: one\na();', {}, /no mutant of one/],
  ['a mutant without a tag', 'a();', { [TEST]: [['one', remove()]] }, /no line of src has this tag/],
  ['a tag that occurs twice', '// rule: one\na();\n// rule: one\nb();', { [TEST]: [['one', remove()]] }, /too/],
  ['a part that is gone', '// rule: one\na();', { [TEST]: [['one', remove('operand')]] }, /has no part/],
  ['a change of nothing', '// rule: one\na();', { [TEST]: [['one', replace('a()')]] }, /changes nothing/],
  ['a text that does not parse', '// rule: one\na();', { [TEST]: [['one', replace('if')]] }, /does not parse/],
  ['a name that the source lacks', '// rule: one\na();', { [TEST]: [['one', replace('b')]] }, /has no b/],
  ['a missing test file', '// rule: one\na();', { 'test/b.test.ts': [['one', remove()]] }, /does not exist/],
  ['a missing test', '// rule: one\na();', { [TEST]: [['one', remove(), 'fails']] }, /has no test 'fails'/],
];
for (const [what, source, table, seen] of samples) {
  test(`the check finds ${what}`, () => {
    const problems = problemsOf(source, table);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', seen);
  });
}
