import { MongoServerError } from 'mongodb';

/** The errors of a server that takes a whole document with a field `$v` for a delta that it can't read. */
const MALFORMED_DELTA: ReadonlySet<unknown> = new Set([40_532, 4_770_500, 4_770_503, 4_770_507]);
const UNKNOWN_ERROR = 8;

/**
 * Whether a change stream failed at an entry of the oplog that its server can't read, although the write behind it was replicated. It fails there
 * again whenever it resumes (docs/reference/mongodb-behaviour.md#fact-8-16).
 */
export function isUnreadableEntry(error: unknown): boolean {
  if (!(error instanceof MongoServerError)) return false;
  if (MALFORMED_DELTA.has(error.code)) return true;
  // `$v` is no number.
  return error.code === UNKNOWN_ERROR && error.message.includes('document_value/value.h');
}
