import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions, Plugin } from 'rolldown';
import { isolatedDeclarationSync } from 'rolldown/experimental';
import manifest from './package.json' with { type: 'json' };

/** Packages that npm installs with Linkspan. All others become part of the program. */
const INSTALLED = new Set(Object.keys(manifest.dependencies));
const packageOf = (specifier: string) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';

/** Adds a file with the licenses of all packages that became part of the program. */
const licenses: Plugin = {
  name: 'licenses',
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []));
    const roots = modules.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
    const source = [...new Set(roots)].sort().map(licenseOf).join('\n\n');
    this.emitFile({ type: 'asset', fileName: 'licenses.txt', source });
  },
};

/** @param root  the folder of a package. @throws Error when it has no license */
function licenseOf(root: string): string {
  const file = readdirSync(root).find((name) => /^licen[cs]e/i.test(name));
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (file === undefined && license === undefined) throw new Error(`${name} has no license`);
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(root, file), 'utf8')}`;
}

const LIBRARY = join(import.meta.dirname, 'src/library');

/** Adds the declarations of `src/library`: of its index and of each file whose types that needs. */
const declarations: Plugin = {
  name: 'declarations',
  generateBundle() {
    const names = new Set(['index']);
    for (const name of names) {
      const source = declarationsOf(name);
      for (const [, file] of source.matchAll(/ from "(.*?)";/g)) names.add(nameIn(file));
      this.emitFile({ type: 'asset', fileName: `library/${name}.d.ts`, source: source.replaceAll(/\.ts";/g, '.js";') });
    }
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

/**
 * Compiles the program into `dist/program`: a few files load several times faster than the modules of `src`.
 * The output is two folders deep, as the modules of `src` are, so that `src/platform/own-files.ts` finds the package's root from both.
 */
// biome-ignore lint/style/noDefaultExport: Rolldown reads the default export
export default {
  input: {
    launch: 'src/cli/launch.js',
    library: 'src/library/index.ts',
    'watchdog-process': 'src/engine/cutover/watchdog-process.ts',
    'dialler-process': 'src/destination/dialler-process.ts',
  },
  cwd: import.meta.dirname,
  platform: 'node',
  external: (specifier) => INSTALLED.has(packageOf(specifier)),
  plugins: [licenses, declarations],
  logLevel: 'warn',
  output: { dir: 'dist/program', cleanDir: true, chunkFileNames: '[name].js', sourcemap: true },
} satisfies BuildOptions;
