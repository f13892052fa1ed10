import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { distributionVersion } from './build-version.ts';
import { layOutRoot } from './installed-root.ts';
import type { TreeOptions } from './program-tree.ts';
import { RELOAD, RESTART, STOP } from './service-commands.ts';

const run = promisify(execFile);
/** dpkg sets DPKG_ROOT where it installs into another root, whose services don't run here. */
const WITH_SYSTEMD = '[ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]';
/** Nothing is started or enabled: each service needs a configuration first. The second argument is the version before, at an upgrade. */
const AFTER_INSTALL = script(
  `if ${WITH_SYSTEMD}; then`,
  RELOAD,
  'if [ "$1" = configure ] && [ -n "$2" ]; then',
  ...RESTART,
  'fi',
  'fi',
);
/** The program keeps its compiled code in the folder that is removed. */
const BEFORE_REMOVAL = script(
  `if [ "$1" = remove ] && ${WITH_SYSTEMD}; then`,
  ...STOP,
  'fi',
  'rm -rf "$DPKG_ROOT/opt/linkspan/node_modules/.cache"',
);
const SCRIPTS = {
  postinst: AFTER_INSTALL,
  prerm: BEFORE_REMOVAL,
  postrm: script(`if ${WITH_SYSTEMD}; then`, RELOAD, 'fi'),
};

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
  const { version: built, description, license } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'));
  const version = distributionVersion(built);
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
  for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(root, 'DEBIAN', name), text, { mode: 0o755 });
  const file = join(output, `linkspan_${version}_${architecture}.deb`);
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(builtAt) };
  await run('chmod', ['-R', 'u+rwX,go+rX,go-w', root]);
  await run('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z6', '--build', root, file], { env });
  return file;
}

function script(...lines: readonly string[]): string {
  return ['#!/bin/sh', 'set -e', ...lines, ''].join('\n');
}
