import { defineErrors } from '../define.ts';

/** Errors when another engine owns the migration, or another migration owns the destination. */
export const ownershipErrors = defineErrors('migration', {
  TAKEN_OVER: {
    status: 409,
    detail: 'Another engine has taken over migration %.',
    remedy: 'Find the second agent or sync process. This one has stopped writing.',
  },
  ENGINE_RUNNING: {
    status: 409,
    detail: 'Another engine runs migration %: process % on host %, since %. It last wrote to its record % s ago.',
    remedy:
      'Stop that process, or take over the migration with linkspan sync --take-over: the other engine then stops writing.',
  },
  WRITER_CHANGED: {
    status: 409,
    detail:
      'An earlier engine of migration % wrote as user %. The destination cannot refuse what that engine may still send.',
    remedy: 'Make sure that no earlier engine runs, or drop that user on the destination.',
  },
  DESTINATION_IN_USE: {
    status: 409,
    detail: 'Migration % (%) uses the destination.',
    remedy:
      'Wait until it ends, cancel it, remove its records with linkspan cleanup, or use another destination. If you allow this migration to drop the destination, it takes the destination from the other one.',
  },
  DESTINATION_PRIMARY: {
    status: 409,
    detail:
      'The data of the destination is the primary copy since the cutover of migration %. Linkspan does not drop it.',
    remedy:
      'Use another destination. If no one needs that data, forget the migration first: linkspan cleanup --destination URI --migration %.',
  },
  FAILBACK_LOST: {
    status: 409,
    detail: 'Migration % can no longer be reversed: %.',
    remedy:
      'Keep the side that has the users. To return to the other one, start a new migration in that direction, with --drop-destination.',
  },
  CUTOVER_RECORD_LOST: {
    status: 409,
    detail:
      'Migration % has cut over, and its record is gone from the side with the users, or an older one was restored there. Nothing was dropped, and no write block was lifted.',
    remedy:
      'Keep the side with the users. If the migration has not ended, end it: linkspan migration cancel, or stop linkspan sync. The other side stays blocked for its users. To use it on its own, run there: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  DESTINATION_TAKEN: {
    status: 409,
    detail: 'Migration % has lost its destination: migration % has taken it.',
    remedy:
      'Cancel it where it is managed, then remove its records: linkspan cleanup --migration %. If its cutover was interrupted and its source refuses writes, lift the write block there: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
});
