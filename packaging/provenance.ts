import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Returns the SHA-256 of a file in hexadecimal. */
export function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/**
 * Says from what the files were made: an in-toto statement with SLSA provenance (https://slsa.dev/spec/v1.0/provenance). It is not signed, and
 * has no time and no name of a machine, so that the same commit gives the same bytes.
 * @param parameters  what the build was asked for
 */
export function provenanceOf(checkout: string, files: readonly string[], parameters: object): object {
  const commit = commitOf(checkout);
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: files.map((file) => ({ name: basename(file), digest: { sha256: sha256Of(file) } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:linkspan:npm-run-package',
        externalParameters: parameters,
        resolvedDependencies: [
          ...(commit === undefined ? [] : [{ name: 'commit', digest: { gitCommit: commit } }]),
          { name: 'package-lock.json', digest: { sha256: sha256Of(join(checkout, 'package-lock.json')) } },
        ],
      },
      runDetails: { builder: { id: 'urn:linkspan:checkout', version: { node: process.version } } },
    },
  };
}

/** Returns the commit of the checkout; undefined for sources without history. */
function commitOf(checkout: string): string | undefined {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: checkout, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}
