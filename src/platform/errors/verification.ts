import { defineErrors } from './define.ts';

/** Errors and warnings of a migration's verification. */
export const verificationErrors = defineErrors('migration', {
  VERIFICATION_FAILED: {
    status: 409,
    detail: 'Source and destination differ: %.',
    remedy:
      'Find out who changes the destination and stop them, then start the same command again: it compares again. The log, and `linkspan_internal.mismatches` on the destination, have the evidence.',
  },
  CAPPED_UNCERTAIN: {
    status: 200,
    severity: 'WARNING',
    detail:
      'Capped collections may differ from the source: %. They changed or differed when they were last compared, so they may lack, or have, some of the oldest documents.',
    remedy:
      'After `--once`, stop the writes to them and copy again, or cut over. After a cutover, the source had more documents than the size of the collection allows.',
  },
  EXTERNAL_WRITES: {
    status: 200,
    severity: 'WARNING',
    detail: 'Another client wrote % to the destination, most recently % in `%`.',
    remedy:
      'Stop the applications that write to the destination. The migration compares each of these documents with the source.',
  },
  SECONDARIES_UNUSED: {
    status: 200,
    severity: 'WARNING',
    detail:
      'No secondary of the source can be read from, so its primary answers the reads of the copy and the comparison.',
    remedy:
      'A secondary has to be within 30 s of the primary, and to have the tags of readPreferenceTags. One whose reads fail is tried again after a minute.',
  },
  EXTERNAL_WRITES_UNSEEN: {
    status: 200,
    severity: 'WARNING',
    detail:
      "The destination's oplog can't be read (%), so writes of others on the destination stay unseen after their collection was compared.",
    remedy: 'Grant the role clusterMonitor on the destination. Without it, make sure that no one else writes there.',
  },
});
