import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importsOf } from './imports-of.ts';
import { mayUse, problemOf } from './rules.ts';

export interface ImportCheck {
  /** One line each; none means that every import keeps to the table. */
  readonly problems: readonly string[];
  /** Files of src looked at. */
  readonly files: number;
}

/**
 * Checks who imports whom, types and dynamic imports included.
 * Having looked at nothing, or at no file of a module, is a problem too: a check that sees nothing finds nothing.
 * @param root the repository
 */
export function checkImports(root: string): ImportCheck {
  const problems: string[] = [];
  const files = globSync('{src,test,demo,bench}/**/*.{ts,js}', { cwd: root });
  for (const file of files) {
    for (const { specifier, typeOnly } of importsOf(readFileSync(join(root, file), 'utf8'))) {
      if (!specifier.startsWith('.')) continue;
      const target = join(dirname(file), specifier);
      const problem = problemOf(file, target, typeOnly);
      if (problem) problems.push(`${file} → ${target}: ${problem}`);
    }
  }
  for (const module of Object.keys(mayUse)) {
    if (!files.some((file) => file.startsWith(`src/${module}/`))) problems.push(`src/${module}: no file was looked at`);
  }
  const modules = existsSync(join(root, 'src')) ? readdirSync(join(root, 'src')) : [];
  for (const module of modules) {
    if (!(module in mayUse))
      problems.push(`src/${module}: a module without a row in the table of test/imports/rules.ts`);
  }
  return { problems, files: files.filter((file) => file.startsWith('src/')).length };
}
