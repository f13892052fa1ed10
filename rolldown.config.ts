import type { BuildOptions } from 'rolldown';
import manifest from './package.json' with { type: 'json' };
import { builtinModules } from './packaging/builtin-modules.ts';
import { declarations } from './packaging/declarations.ts';
import { licenses } from './packaging/licenses.ts';

/** Packages that npm installs with Linkspan, and one that only a checkout needs. All others become part of the program. */
const INSTALLED = new Set([...Object.keys(manifest.dependencies), 'vite']);
const packageOf = (specifier: string) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';

/**
 * Compiles the program into `dist/program`: a few files load several times faster than the modules of `src`.
 * The output is two folders deep, as the modules of `src` are, so that `src/platform/own-files.ts` finds the package's root from both.
 */
// biome-ignore lint/style/noDefaultExport: Rolldown reads the default export
export default {
  input: {
    launch: 'src/cli/launch.js',
    library: 'src/library/entry.js',
    'library-program': 'src/library/index.ts',
    'watchdog-process': 'src/engine/cutover/watchdog-process.ts',
    'dialler-process': 'src/destination/dialler-process.ts',
    demo: 'demo/run.ts',
    'download-mongod': 'test/support/download-mongod.ts',
  },
  cwd: import.meta.dirname,
  platform: 'node',
  external: (specifier) => INSTALLED.has(packageOf(specifier)),
  // The modules of `src` do nothing when they load, but for the inputs. So a file needs only what it uses of a folder's index.
  treeshake: { moduleSideEffects: (id: string) => id.includes('/node_modules/') },
  plugins: [licenses, declarations, builtinModules],
  logLevel: 'warn',
  output: { dir: 'dist/program', cleanDir: true, chunkFileNames: '[name].js', sourcemap: true },
} satisfies BuildOptions;
