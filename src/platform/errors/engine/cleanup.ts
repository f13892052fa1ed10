import { defineErrors } from '../define.ts';

/** Errors of the removal of a migration's leftovers on its destination. */
export const cleanupErrors = defineErrors('migration', {
  NO_SUCH_MIGRATION: {
    status: 404,
    detail: 'The destination has no records of migration %.',
    remedy: 'linkspan cleanup without --migration lists the migrations that it has.',
  },
  MIGRATION_RUNS: {
    status: 409,
    detail: 'Migration % was active less than 30 seconds ago.',
    remedy: 'Stop or cancel it where it runs, wait 30 seconds, then try again.',
  },
  FAILBACK_OPEN: {
    status: 409,
    detail: 'The failback of migration % is open, and its records are needed for it. Nothing was changed.',
    remedy:
      'Close it first: linkspan migration finish %, or POST /finish of linkspan sync. If no engine runs the migration any more, repeat the cleanup with --close-failback: no one can return after that.',
  },
  CUTOVER_UNFINISHED: {
    status: 409,
    detail: 'Migration % has made the destination the primary copy, and its indexes are not restored yet.',
    remedy: 'Start its agent, or the same linkspan sync command, again: it finishes the cutover first.',
  },
  COMMITTED_DATA: {
    status: 409,
    detail: 'Migration % has cut over: its data is, or was, the primary copy, so Linkspan does not drop it.',
    remedy: 'Omit --drop to remove only its checkpoint. To delete the data, drop it by hand.',
  },
});
