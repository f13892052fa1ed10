import type { LogEventDefinition } from './define.ts';

/** Lines of the engine while it copies, follows and verifies, and of comparisons outside of a migration. */
export const migrationLogEvents = {
  'apply.collection_dropped': {
    level: 'debug',
    fields: ['namespace'],
    meaning: 'Changes of a collection are ignored, because the source dropped it.',
  },
  'comparison.oplog_unreadable': {
    level: 'warn',
    fields: ['side?', 'reason'],
    meaning: 'A comparison cannot read an oplog, so it does not see writes that no change stream shows.',
  },
  'comparison.read_resumed': {
    level: 'debug',
    fields: ['namespace', 'reason'],
    meaning: 'A digest resumes to read a collection with a new cursor.',
  },
  'comparison.repair_refused': {
    level: 'warn',
    fields: ['namespace', '_id', 'reason'],
    meaning: 'The destination refused a document that a repair wrote. It still differs.',
  },
  'comparison.restarted': {
    level: 'warn',
    fields: ['error'],
    meaning: 'A comparison starts anew, because the oplog no longer has the changes of its time.',
  },
  'comparison.writes_unwatched': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'A comparison no longer watches writes on one side. Its report says so.',
  },
  'copy.collection_waits': {
    level: 'warn',
    fields: ['namespace', 'reason'],
    meaning: 'The copy of one collection waits for the reason. All others continue.',
  },
  'copy.order_chosen': {
    level: 'info',
    fields: ['namespace', 'order', 'reason'],
    meaning: 'The copy of a collection of at least 16 MB reads it in the order of _id or in natural order.',
  },
  'copy.read_restarted': {
    level: 'debug',
    fields: ['namespace', 'error'],
    meaning: 'The copy reads a capped collection from its oldest document again.',
  },
  'copy.read_resumed': {
    level: 'debug',
    fields: ['namespace', 'error'],
    meaning: 'The copy resumes a range with a new cursor, after its last document.',
  },
  'copy.scan_resumed': {
    level: 'debug',
    fields: ['namespace', 'error'],
    meaning: 'The copy of a collection in natural order resumes with a new cursor, after its last document.',
  },
  'destination.unprotected': {
    level: 'warn',
    meaning: 'The destination is not blocked for users while the migration runs.',
  },
  'migration.failure_not_recorded': {
    level: 'error',
    fields: ['error'],
    meaning: 'A migration has failed, and its records on the destination do not say so.',
  },
  'migration.records_went_back': {
    level: 'warn',
    fields: ['reason'],
    meaning: 'The destination has older records than before, as after a restore. The migration resumes from them.',
  },
  'migration.resumed': {
    level: 'info',
    fields: ['state', 'savedAt', 'documentsCopied', 'bytesCopied'],
    meaning: 'The engine resumes a migration from its checkpoint.',
  },
  'migration.reverse_failed': {
    level: 'warn',
    fields: ['error'],
    meaning: 'A reversal was requested, and has failed. An agent tries again.',
  },
  'migration.reversed': { level: 'info', fields: ['reversals'], meaning: 'The direction of a migration was reversed.' },
  'oplog.destination_unreadable': {
    level: 'warn',
    fields: ['reason'],
    meaning: "The destination's oplog cannot be read, so writes of others there may stay unseen.",
  },
  'oplog.headroom_low': {
    level: 'warn',
    fields: ['shard?', 'windowSeconds', 'leftSeconds', 'headroomPercent'],
    meaning: "Little is left of the source's oplog before changes are lost.",
  },
  'oplog.headroom_recovered': {
    level: 'info',
    fields: ['shard?', 'windowSeconds', 'leftSeconds', 'headroomPercent'],
    meaning: "The source's oplog has enough headroom again.",
  },
  'oplog.shard_unseen': {
    level: 'warn',
    fields: ['shard', 'reason'],
    meaning: 'A shard of the source cannot be asked directly, so how much of its oplog is left is not known.',
  },
  'oplog.source_unreadable': {
    level: 'warn',
    fields: ['reason'],
    meaning: "The source's oplog cannot be read, so writes that no change stream shows may stay unseen.",
  },
  'verification.capped_reordered': {
    level: 'warn',
    fields: ['namespace'],
    meaning:
      'A capped collection has another order on the destination. The cutover compares it before the write pause, and copies it again if it differs.',
  },
  'verification.catalog_difference': {
    level: 'warn',
    fields: ['difference'],
    meaning: 'Collections, options, views or indexes of both sides differ.',
  },
  'verification.changes_missed': {
    level: 'warn',
    fields: ['declared', 'atMs', 'reason', 'collections'],
    meaning: 'Changes of the source were missed. This number of collections is compared and repaired.',
  },
  'verification.digests_answered': {
    level: 'info',
    fields: ['host'],
    meaning: 'The digest helper answers again.',
  },
  'verification.digests_unanswered': {
    level: 'warn',
    fields: ['host', 'reason'],
    meaning:
      'The digest helper does not answer. The verification reads documents of the destination instead, and asks again later.',
  },
  'standby.not_taken': {
    level: 'info',
    fields: ['reason'],
    meaning:
      'A standby could not read the records of the migration, or another process took it first. It keeps waiting.',
  },
  'standby.opened_source': {
    level: 'warn',
    fields: [],
    meaning:
      'A standby could not read the destination for 20 s, while a cutover blocked the source for 10 s: it has opened the source.',
  },
  'standby.record': {
    level: 'info',
    fields: ['record', 'reason?'],
    meaning:
      'An agent stands by for a migration. `record` says what it reads on both clusters: `WRITTEN` by the leader, `SILENT`, or `UNREAD` with the reason.',
  },
  'standby.source_unread': {
    level: 'info',
    fields: ['reason'],
    meaning: 'A standby can read neither the destination nor whether a cutover blocks the source. It keeps trying.',
  },
  'standby.takes_over': {
    level: 'warn',
    fields: ['leader?'],
    meaning:
      'The process that led the migration has left, has been silent for too long, or cannot reach the source. A standby takes over.',
  },
  'verification.external_write': {
    level: 'warn',
    fields: ['namespace', 'documents', '_id?'],
    meaning: 'Another client wrote to the destination.',
  },
  'verification.mismatch': {
    level: 'warn',
    fields: ['namespace', '_id', 'class', 'path', 'external', 'times'],
    meaning: 'A document differs between source and destination although no change explains it.',
  },
  'wait.long': {
    level: 'error',
    fields: ['for', 'since', 'reason'],
    meaning: 'Linkspan has waited for something for half an hour. It continues by itself once that is available.',
  },
  'wait.unknown_error': {
    level: 'warn',
    fields: ['for', 'reason'],
    meaning:
      'A server has answered with an error that Linkspan does not know. It tries again for a minute, then gives up.',
  },
  'failback.close_failed': {
    level: 'warn',
    fields: ['error'],
    meaning: 'The failback could not be closed. An agent tries again.',
  },
  'failback.closed': { level: 'info', meaning: 'The failback was closed permanently.' },
  'failback.failed': {
    level: 'warn',
    fields: ['error', 'inMs'],
    meaning: 'The failback has failed. It begins again after `inMs` milliseconds.',
  },
  'failback.others_open': {
    level: 'warn',
    fields: ['migrations'],
    meaning:
      'The failback is closed. The migrations named may want to cut over from its old source, and wait as long as that keeps the write block of this migration.',
  },
} as const satisfies Readonly<Record<string, LogEventDefinition>>;
