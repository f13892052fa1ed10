import { defineErrors } from '../define.ts';

/** Errors and warnings of a migration that has started. */
export const runErrors = defineErrors('migration', {
  OTHER_SOURCE: {
    status: 409,
    detail:
      'Migration % was started with other clusters than the ones that answer now. A replica set that was initiated again counts as another cluster.',
    remedy: 'Use the connection strings of the clusters that it was started with, or start a new migration.',
  },
  CHECKPOINT_OF_OTHER_VERSION: {
    status: 409,
    detail: 'The checkpoint of migration % has schema version %, which this version of Linkspan does not support.',
    remedy:
      'Finish or cancel the migration with the version of Linkspan that began it. To use the destination for another one, remove its records there with linkspan cleanup of that version.',
  },
  HISTORY_LOST: {
    status: 409,
    detail: 'The oplog of the source no longer has the entry from which migration % has to resume (%).',
    remedy:
      'Enlarge the oplog of the source (replSetResizeOplog), then start again: Linkspan compares both sides and repairs what it missed.',
  },
  UNDECODABLE_EVENT: {
    status: 500,
    detail: 'Linkspan could not decode a change event: %. Its resume token is %.',
    remedy: 'Report this bug. Nothing was skipped: the migration stopped before that event.',
  },
  UNKNOWN_OPERATION: {
    status: 409,
    detail: 'Linkspan does not know %.',
    remedy:
      'Upgrade Linkspan: nothing was skipped, and a newer version resumes there. If none knows it, report that, and migrate by other means.',
  },
  CATALOG_CHANGED: {
    status: 409,
    detail:
      'The catalog of the source has changed at %: %. Linkspan cannot follow this, because change streams of servers before 6.0 do not show all of it.',
    remedy:
      'Start a new migration, and do not change collections, views and indexes until it ends. Or upgrade the source to 6.0 first.',
  },
  DROPS_UNCONFIRMED: {
    status: 409,
    detail:
      'Within a minute, the source dropped % of the % collections and % of the % documents of the migration, first %. Linkspan drops them on the destination only after you confirm.',
    remedy:
      'If the drops were intended, confirm them: start with --confirm-drops, or call confirmDrops while the migration runs. If not, restore the collections on the source with the same names: Linkspan copies them again.',
  },
  HISTORY_UNCONFIRMED: {
    status: 409,
    detail:
      'The side that has the users went back in its history: %. The other side may have the last copies of what users wrote, so Linkspan writes nothing there before you confirm. Only the other side has: %.',
    remedy:
      'Copy what you want to keep from the other side to the side that has the users. Then call confirmDrops: Linkspan makes the other side equal, and deletes there what is not on the side that has the users. To keep the other side as it is, close the failback (finish).',
  },
  DELETES_UNCONFIRMED: {
    status: 409,
    detail:
      'The destination has documents that the source lacks: at least %, the first in % with _id %. No change of the source explains that. The destination was the source before, and may have their last copies, so Linkspan deletes them there only after you confirm.',
    remedy:
      'Find out whether the documents were deleted on the source. If they were, confirm: `linkspan migration confirm-drops`, or POST /confirmDrops of `linkspan sync`. If not, insert them into the source.',
  },
  NAMESPACE_CONFLICT: {
    status: 409,
    scope: 'collection',
    detail: '% cannot be brought in sync: %.',
    remedy: 'Correct it on the source or on the destination, then resume.',
  },
  ID_ON_TWO_SHARDS: {
    status: 409,
    scope: 'collection',
    detail:
      '% has documents with the same _id % on two shards, with the shard keys %. A replica set can hold only one of them.',
    remedy:
      'Delete one of them on the source, or give it another _id. Then Linkspan migrates the collection by itself.',
  },
  ACCOUNTS_REFUSED: {
    status: 409,
    detail: 'The destination refuses users or roles of the source: %.',
    remedy: 'Correct them on the source or create them on the destination by hand, then resume.',
  },
  NOT_READY_FOR_CUTOVER: {
    status: 409,
    detail: 'The migration is not ready for cutover: %.',
    remedy: 'Wait until it is ready, then request the cutover again.',
  },
  WRONG_STATE: {
    status: 409,
    detail: '% is not possible while the migration is %.',
    remedy: 'Check the progress, and try again when the state allows it.',
  },
  CUTOVER_COMMITTED: {
    status: 409,
    detail: 'The cutover of migration % has passed its point of no return and can no longer be aborted.',
    remedy: 'Connect applications to the destination. The source stays blocked, so that both sides never take writes.',
  },
  SOURCE_STILL_WRITTEN: {
    status: 409,
    detail: 'Applications still wrote to the source after the cutover of migration % had started.',
    remedy: 'Stop the applications that write to the selected namespaces, then request the cutover again.',
  },
  SOURCE_WRITTEN_AFTER_COMMIT: {
    status: 200,
    severity: 'WARNING',
    detail: 'After the commit, the source received % in %. They exist only on the source.',
    remedy:
      'Stop the applications that still write to the source. Compare these namespaces on both sides and copy the missing changes by hand.',
  },
  OLD_SOURCE_ACCOUNTS_CHANGED: {
    status: 200,
    severity: 'WARNING',
    detail:
      "After the cutover's last look at users and roles, the old source received changes in %. They exist only there.",
    remedy: 'Compare users and roles of both sides, and repeat the missing changes on the side that has the users.',
  },
  SOURCE_UNWATCHED: {
    status: 200,
    severity: 'WARNING',
    detail:
      'The cutover of migration % was finished without the source: %. No one looked for writes that the source took after the commit.',
    remedy:
      'If a client may have written to the source after the commit, compare both sides before you delete it: linkspan verify.',
  },
  INDEXES_LEFT: {
    status: 200,
    severity: 'WARNING',
    detail: 'On the open destination, % had another uniqueness or expiry than on the source when the cutover ended: %.',
    remedy:
      'If users changed them on purpose, do nothing. Otherwise change them with collMod, or drop and create them again. linkspan cleanup without --migration lists all of them, and changes nothing.',
  },
  CANCELLED_OUT_OF_REACH: {
    status: 409,
    detail: 'The migration was cancelled while its clusters could not be reached: %.',
    remedy:
      'The copied data is still on the destination: linkspan cleanup lists and removes it. If its cutover had started and the source refuses writes, lift the write block there: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  INTERNAL_ERROR: {
    status: 500,
    detail: 'An unexpected error occurred: %.',
    remedy: 'Start Linkspan again: it resumes from the checkpoint. If the error occurs again, report it with the log.',
  },
});
