import { resolve } from 'node:path';
import { checkImports } from './check-imports.ts';

const { problems, files } = checkImports(resolve(import.meta.dirname, '../..'));
for (const problem of problems) console.error(problem);
console.log(`imports: ${files} files of src checked, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
