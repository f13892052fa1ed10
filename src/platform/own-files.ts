import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the package: two folders above this module in `src/platform` as well as in the compiled `dist/program`. */
const ROOT = new URL('../../', import.meta.url);

/** Returns the path of a file that comes with Linkspan. @param path  relative to the root of the package */
export function ownFile(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

/**
 * Returns the path of a program that lies beside a module, as TypeScript or compiled, like the module.
 * @param moduleUrl  the `import.meta.url` of the module that starts the program
 */
export function programBeside(moduleUrl: string, name: string): string {
  return fileURLToPath(new URL(`./${name}${extname(moduleUrl)}`, moduleUrl));
}
