import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { layOutRoot } from './installed-root.ts';
import type { TreeOptions } from './program-tree.ts';

const run = promisify(execFile);
/** systemd learns of new and removed units. Nothing is started or enabled: each needs a configuration first. */
const RELOAD = '#!/bin/sh\nset -e\nif [ -d /run/systemd/system ]; then systemctl daemon-reload; fi\n';

/** The program keeps its compiled code there. dpkg sets DPKG_ROOT where it installs into another root. */
const CLEAR_CACHE = '#!/bin/sh\nset -e\nrm -rf "$DPKG_ROOT/opt/linkspan/node_modules/.cache"\n';

/**
 * Makes a Debian package.
 * @param tree     a folder of `makeProgramTree`, made with the same options. Their time becomes that of all files
 * @param root     an empty folder, which becomes the package's content
 * @returns the path of the package in `output`
 */
export async function makeDeb(
  tree: string,
  root: string,
  { architecture, builtAt }: TreeOptions,
  output: string,
): Promise<string> {
  const { version, description, license } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'));
  layOutRoot(tree, root);
  mkdirSync(join(root, 'DEBIAN'));
  const control = [
    'Package: linkspan',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Maintainer: Linkspan <nobody@linkspan.invalid>',
    'Section: database',
    'Priority: optional',
    'Depends: libc6 (>= 2.28), libstdc++6',
    `Description: ${description}`,
    ` License: ${license}. The package contains its own Node.js.`,
    '',
  ];
  writeFileSync(join(root, 'DEBIAN/control'), control.join('\n'));
  for (const script of ['postinst', 'postrm']) writeFileSync(join(root, 'DEBIAN', script), RELOAD, { mode: 0o755 });
  writeFileSync(join(root, 'DEBIAN/prerm'), CLEAR_CACHE, { mode: 0o755 });
  const file = join(output, `linkspan_${version}_${architecture}.deb`);
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(builtAt) };
  await run('chmod', ['-R', 'u+rwX,go+rX,go-w', root]);
  await run('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z6', '--build', root, file], { env });
  return file;
}
