import { spawnSync } from 'node:child_process';

/** A program of the machine that makes one kind of package. */
interface Tool {
  readonly name: string;
  readonly makes: string;
  readonly install: string;
}

const TOOLS: readonly Tool[] = [
  { name: 'dpkg-deb', makes: 'Debian package', install: 'apt-get install dpkg, or dnf install dpkg' },
  { name: 'rpmbuild', makes: 'RPM package', install: 'apt-get install rpm, or dnf install rpm-build' },
];

/** Returns the tools that this machine lacks. */
export function missingTools(): readonly Tool[] {
  return TOOLS.filter(({ name }) => spawnSync(name, ['--version']).error !== undefined);
}

export function describeMissing({ name, makes, install }: Tool): string {
  return `${name} is missing, so no ${makes} is made. To have one, install it: ${install}.\n`;
}

// `npm run package` begins with this, because the build takes long; `npm run release` with `--all`, because it lacks no package.
if (import.meta.main) {
  const missing = missingTools();
  process.stderr.write(missing.map(describeMissing).join(''));
  if (process.argv.includes('--all') && missing.length > 0) process.exitCode = 1;
}
