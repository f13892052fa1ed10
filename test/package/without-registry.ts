/**
 * Runs an installation that needs a registry of packages, or npm's cache.
 * @returns the reason to skip tests of what it installs; false when it succeeded
 * @throws its error, unless no registry answered
 */
export async function withoutRegistry(install: () => Promise<void>): Promise<string | false> {
  try {
    await install();
    return false;
  } catch (error) {
    const [, code] = /npm error code (ENOTCACHED|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN)/.exec(String(error)) ?? [];
    if (code === undefined) throw error;
    return `npm reaches no registry here: ${code}`;
  }
}
