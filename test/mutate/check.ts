import { resolve } from 'node:path';
import { checkMutants } from './check-mutants.ts';
import { MUTANTS } from './mutants.ts';

const { problems, rules } = checkMutants(resolve(import.meta.dirname, '../..'), MUTANTS);
for (const problem of problems) console.error(problem);
console.log(`mutants: ${MUTANTS.length} of ${rules} rules checked, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
