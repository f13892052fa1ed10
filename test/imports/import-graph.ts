import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importsOf } from './imports-of.ts';

/** An import of another file of the repository. */
interface ImportedFile {
  /** Its path from the repository's root; it may not exist. */
  readonly target: string;
  /** Whether only types are imported, which do not exist at run time. */
  readonly typeOnly: boolean;
}

/** The imports of each file of code, by paths from the repository's root. */
export type ImportGraph = ReadonlyMap<string, readonly ImportedFile[]>;

const CODE = '{{src,test,demo,bench,packaging}/**/*,docs/.vitepress/*,*}.{ts,tsx,js}';

/** Reads the imports of all code in the repository, types and dynamic imports included. @param root  the repository */
export function importGraph(root: string): ImportGraph {
  return new Map(
    globSync(CODE, { cwd: root }).map((file) => {
      const imports = importsOf(readFileSync(join(root, file), 'utf8'), file.endsWith('.tsx'));
      const inRepository = imports.filter(({ specifier }) => specifier.startsWith('.'));
      return [
        file,
        inRepository.map(({ specifier, typeOnly }) => ({ target: join(dirname(file), specifier), typeOnly })),
      ];
    }),
  );
}
