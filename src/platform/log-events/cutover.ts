import type { LogEventDefinition } from './define.ts';

/** Lines of the engine about a cutover, from its checks to the watch of the old source. */
export const cutoverLogEvents = {
  'cutover.aborted': { level: 'info', meaning: 'A cutover was aborted, and the source takes writes.' },
  'cutover.attempt_failed': {
    level: 'warn',
    fields: ['reason', 'stoppedMs'],
    meaning: 'An attempt to cut over failed, and the source is open again. Users could not write for `stoppedMs`.',
  },
  'cutover.block_found': {
    level: 'warn',
    meaning: 'Another client had blocked the source. The cutover relies on that block, and leaves it set.',
  },
  'cutover.block_released': {
    level: 'info',
    fields: ['block'],
    meaning: 'An attempt that did not commit no longer blocks the source. `block` says how it found the block.',
  },
  'cutover.capped_copied_again': {
    level: 'info',
    fields: ['namespace'],
    meaning: 'A capped collection differed at a cutover, and is copied again while users write.',
  },
  'cutover.commit_not_noted': {
    level: 'warn',
    fields: ['error'],
    meaning: 'The cutover committed, and its note on the source could not be written.',
  },
  'cutover.finding': {
    level: 'warn',
    fields: ['code'],
    meaning: 'A finding that concerns the cutover, such as users who bypass the write block.',
  },
  'cutover.finished_without_source': {
    level: 'warn',
    fields: ['reason'],
    meaning:
      'The source cannot be used, so the engine finishes a committed cutover without it, and does not look for late writes there.',
  },
  'cutover.foreign_block': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'Another migration blocks the source, so this one does not open it.',
  },
  'cutover.interrupted': {
    level: 'warn',
    meaning: 'An earlier engine ended in a cutover. This one opens the source again.',
  },
  'cutover.indexes_left': {
    level: 'warn',
    fields: ['count', 'indexes'],
    meaning:
      'When the cutover ended, indexes or collections of the open destination had another uniqueness or expiry than on the source.',
  },
  'cutover.late_writes': {
    level: 'error',
    fields: ['count', 'namespaces'],
    meaning: 'Users wrote to the source after the commit. These writes are on the source only.',
  },
  'cutover.late_writes_unchecked': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'The engine could not check whether users wrote to the source after the commit.',
  },
  'cutover.restore_skipped': {
    level: 'warn',
    fields: ['namespace', 'reason', 'change'],
    meaning:
      'The end of a cutover left a collection or an index on the open destination as it is, because users have changed or dropped it.',
  },
  'cutover.source_not_opened': {
    level: 'error',
    fields: ['error'],
    meaning: 'The source may still refuse writes. The message has the command that opens it.',
  },
  'cutover.without_watchdog': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'The watchdog did not start. If the engine is killed now, the source stays blocked until it resumes.',
  },
  'cutover.written_under_block': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'A user who bypasses the write block wrote to the source.',
  },
  'once.capped_uncertain': {
    level: 'warn',
    fields: ['namespaces', 'reason'],
    meaning: 'A run with `--once` ended while capped collections kept changing, so they may differ from the source.',
  },
  'source_watch.ended': {
    level: 'info',
    fields: ['ended', 'watchedTo'],
    meaning: 'The watch of a blocked source after the commit has ended.',
  },
  'source_watch.not_recorded': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'The position of the watch of the source could not be recorded. The engine tries again.',
  },
  'source_watch.writes_found': {
    level: 'error',
    fields: ['changes'],
    meaning: 'Users wrote to the blocked source after the commit. These writes are on the source only.',
  },
} as const satisfies Readonly<Record<string, LogEventDefinition>>;
