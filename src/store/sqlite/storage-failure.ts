import { messageOf, UserError } from '../../platform/index.ts';

/** SQLite's primary result codes. */
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;

/** Converts SQLite's error about the disk to an error of the catalogue; undefined for other errors. */
export function storageFailure(error: unknown): UserError | undefined {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  if (code === FULL) return new UserError('STORAGE_FULL', [], { cause: error });
  if (code === IO_ERROR || code === CORRUPT)
    return new UserError('STORAGE_FAILED', [messageOf(error)], { cause: error });
  return undefined;
}
