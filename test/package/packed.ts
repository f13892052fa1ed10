import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { builtCopy } from './built-copy.ts';
import { withoutNpm } from './without-npm.ts';

const run = promisify(execFile);

/** Builds the package from a copy of the checkout, and packs it as `npm pack` does. Returns the path of the file. */
export async function packedLinkspan(folder: string): Promise<string> {
  const copy = join(folder, 'package');
  await builtCopy(copy);
  const options = { cwd: folder, env: withoutNpm() };
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', copy], options);
  const [{ filename }] = JSON.parse(stdout);
  return join(folder, filename);
}
