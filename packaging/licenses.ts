import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';

/** Adds `licenses.txt` to a build: the licenses of all packages that became part of it. */
export const licenses: Plugin = {
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
