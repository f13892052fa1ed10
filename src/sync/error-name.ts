import type { UserError } from '../platform/index.ts';
import { PreflightFailed } from './preflight-failed.ts';

/**
 * Returns the `error` of an answer: the code of the error catalogue in PascalCase. A start that only the destination's disk prevents has the
 * one name that mongosync documents (release notes of mongosync 1.22).
 * @param error  undefined for one that is not in the catalogue
 */
export function errorName(error: UserError | undefined): string {
  if (error === undefined) return 'InternalError';
  const isDiskOnly = error instanceof PreflightFailed && error.errors.every(({ code }) => code === 'DISK_TOO_SMALL');
  return isDiskOnly ? 'InsufficientDestinationDiskSpace' : pascalCase(error.code);
}

function pascalCase(code: string): string {
  return code.toLowerCase().replace(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
