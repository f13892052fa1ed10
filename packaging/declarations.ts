import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';
import { isolatedDeclarationSync } from 'rolldown/experimental';
import { contractDeclarations } from './contract-declarations.ts';

const CONTRACT = '../contract/index.ts';
const LIBRARY = join(import.meta.dirname, '../src/library');

/** Adds the declarations of `src/library`: of its index, of each file whose types that needs, and of the contract's types. */
export const declarations: Plugin = {
  name: 'declarations',
  generateBundle() {
    const emit = (name: string, source: string) =>
      this.emitFile({ type: 'asset', fileName: `library/${name}.d.ts`, source: source.replaceAll(/\.ts";/g, '.js";') });
    const names = new Set(['index']);
    const ofContract = new Set<string>();
    for (const name of names) {
      const source = declarationsOf(name);
      for (const [, types = '', file] of source.matchAll(/ \{([^}]*)\} from "(.*?)";/g)) {
        if (file !== CONTRACT) names.add(nameIn(file));
        else for (const named of types.split(',')) ofContract.add(named.trim().replace(/ as .*/, ''));
      }
      emit(name, source.replaceAll(CONTRACT, './contract.ts'));
    }
    emit('contract', contractDeclarations(ofContract));
  },
};

/** @throws Error when a type of an exported name has to be inferred */
function declarationsOf(name: string): string {
  const file = join(LIBRARY, `${name}.ts`);
  const { code, errors } = isolatedDeclarationSync(file, readFileSync(file, 'utf8'));
  if (errors.length > 0) throw new Error(errors.map(({ message, codeframe }) => codeframe ?? message).join('\n'));
  return code;
}

/** @throws Error for a file of another folder, because the package has no declarations of those */
function nameIn(specifier = ''): string {
  const [, name] = /^\.\/([\w-]+)\.ts$/.exec(specifier) ?? [];
  if (name === undefined) throw new Error(`the declarations of src/library need ${specifier}`);
  return name;
}
