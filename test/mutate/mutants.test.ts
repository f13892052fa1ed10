import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { mutate } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

test('every mutant fits the code, and names existing tests', () => {
  for (const mutant of MUTANTS) {
    const source = read(mutant.file);
    assert.notEqual(mutate(mutant, source), source, mutant.without);
    assert.ok(read(mutant.tests.file).includes(mutant.tests.name ?? ''), `${mutant.tests.file}: ${mutant.tests.name}`);
  }
});
