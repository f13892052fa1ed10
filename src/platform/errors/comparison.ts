import { defineErrors } from './define.ts';

/** Errors of comparisons of two clusters that belong to no migration. */
export const comparisonErrors = defineErrors('request', {
  VERIFICATION_HISTORY_LOST: {
    status: 409,
    detail: 'The oplog of the % no longer reaches back to where the comparison has read its changes (%).',
    remedy:
      'Run the command again: it compares everything anew. Enlarge the oplog (replSetResizeOplog) so that it covers more time than the comparison takes.',
  },
  REPORT_OF_OTHER_RUN: {
    status: 409,
    detail: 'The file % has the state of another comparison: other clusters, another selection or other names.',
    remedy: 'Use another file, or the arguments with which the comparison began.',
  },
  REPORT_EXISTS: {
    status: 409,
    detail: 'The file % exists, and it is not the state of an unfinished comparison (%).',
    remedy: 'Use another file. Linkspan does not overwrite a report.',
  },
  REPORT_UNWRITABLE: {
    status: 400,
    detail: 'The report % cannot be written: %.',
    remedy: 'Use a file in a directory that you can write to, on a disk with free space.',
  },
  REPAIR_DURING_MIGRATION: {
    status: 409,
    detail: 'The % has the record of migration % (%). A repair could overwrite or delete %.',
    remedy:
      'Wait until the migration has ended, or cancel it. Close a failback that is open: linkspan migration finish, or POST /finish of linkspan sync. After a cutover from this source, copy by hand what is missing; if it was from another source, linkspan cleanup removes the record. A running migration finds and repairs differences by itself. Without --repair, linkspan verify only reads.',
  },
  REPAIR_UNCHECKED: {
    status: 403,
    detail:
      'The % refuses to let the user read % (%), so a repair could overwrite what a migration or its users have written.',
    remedy:
      'Give the user the roles readAnyDatabase and clusterMonitor there. Without --repair, linkspan verify only reads.',
  },
  VERIFICATION_REFUSED: {
    status: 403,
    detail: 'The % refuses to let the user read what has to be compared: %.',
    remedy:
      'Give the user the roles readAnyDatabase and clusterMonitor, or restrict the comparison with includeNamespaces to what the user may read.',
  },
  NOT_COMPARABLE: {
    status: 409,
    detail: '% of the % cannot be compared: it is %.',
    remedy:
      'Leave it out with excludeNamespaces and compare it by other means, or drop it. A newer version of Linkspan may know it.',
  },
  DIFFERENCES_FOUND: {
    status: 409,
    detail: 'The clusters differ. %',
    remedy: 'docs/verify/compare-clusters.md#differences explains each kind, and how to repair documents.',
  },
  REPORT_UNREADABLE: {
    status: 400,
    detail: 'The report % cannot be read: %.',
    remedy: 'Give a file that linkspan digest has written with --report, of a version of Linkspan that this one knows.',
  },
  DIGEST_PROVES_NOTHING: {
    status: 409,
    detail: 'The digests do not prove what they should. %',
    remedy: 'docs/verify/digests.md#claims explains what a report can prove, and what it needs for that.',
  },
});
