const UNRELEASED = '## [Unreleased]';

/**
 * Makes the unreleased entries of a changelog those of a version, and leaves no unreleased ones.
 * @param changelog  in the form of https://keepachangelog.com/en/1.1.0/
 * @param date  in the form YYYY-MM-DD
 * @throws Error when nothing is unreleased
 */
export function cutChangelog(changelog: string, version: string, date: string): string {
  const [before = '', after] = changelog.split(`${UNRELEASED}\n`);
  const entries = after?.split(/^## /m)[0] ?? '';
  if (!/^- \S/m.test(entries)) throw new Error(`CHANGELOG.md has no entry below "${UNRELEASED}"`);
  return `${before}${UNRELEASED}\n\n## [${version}] - ${date}\n${after}`;
}
