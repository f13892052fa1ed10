import { defineErrors } from './define.ts';

/** Errors that stop a migration or prevent its start, and warnings about it. */
export const engineErrors = defineErrors('migration', {
  SOURCE_UNREACHABLE: {
    status: 400,
    retry: 'transient',
    detail: 'The source cannot be reached: %.',
    remedy: 'Check host names, ports, firewalls and TLS settings from the migration host.',
  },
  DESTINATION_UNREACHABLE: {
    status: 400,
    retry: 'transient',
    detail: 'The destination cannot be reached: %.',
    remedy: 'Check host names, ports, firewalls and TLS settings from the migration host.',
  },
  AUTHENTICATION_FAILED: {
    status: 400,
    detail: 'The % refused the user name or password.',
    remedy: 'Check user, password and authSource of the connection string.',
  },
  AUTHENTICATION_REQUIRED: {
    status: 400,
    detail: 'The % requires authentication, and its connection string names no user.',
    remedy:
      'Add user and password to the connection string: mongodb://user:password@host/?authSource=admin. docs/03-agent.md lists the roles that the user needs.',
  },
  WRONG_REPLICA_SET: {
    status: 400,
    retry: 'transient',
    detail: 'The server % of the % belongs to replica set `%`, but the connection string says `%`.',
    remedy: "Set replicaSet in the connection string to the server's replica set name, or correct the host names.",
  },
  INVALID_CONNECTION_STRING: {
    status: 400,
    detail: 'The connection string of the % is not valid: %.',
    remedy:
      'Use a string of the form mongodb://user:password@host1,host2/?replicaSet=name, with user and password percent-encoded.',
  },
  WEAK_CONNECTION_OPTION: {
    status: 400,
    detail: 'The connection string of the % sets %, which a migration does not allow.',
    remedy:
      'Remove the option. Linkspan reads from primaries with read concern majority, and writes with write concern majority.',
  },
  STANDALONE_SERVER: {
    status: 400,
    detail: 'The % (%) is a standalone server: it has no oplog.',
    remedy: 'Convert it to a replica set of one member (rs.initiate()) first.',
  },
  SHARDED_CLUSTER: {
    status: 400,
    detail: 'The % (%) is a sharded cluster, which Linkspan does not migrate yet.',
    remedy: 'Use replica sets on both sides.',
  },
  VERSION_TOO_OLD: {
    status: 400,
    detail: 'The % runs MongoDB %; % or newer is needed.',
    remedy: 'Upgrade the cluster first.',
  },
  DESTINATION_OLDER: {
    status: 400,
    detail: 'The destination (MongoDB %) is older than the source (MongoDB %).',
    remedy: 'Use a destination of the same or a newer version.',
  },
  SAME_CLUSTER: {
    status: 400,
    detail: 'Source and destination are the same replica set.',
    remedy: 'Use the connection string of another cluster for one of them.',
  },
  DESTINATION_NOT_EMPTY: {
    status: 400,
    detail: 'The destination is not empty: it has %.',
    remedy:
      'Choose an empty cluster. Or drop the existing data: start linkspan sync with --drop-destination cluster1 (the side to drop; /start cannot ask for it), ' +
      "use linkspan migration create --drop, or send dropDestinationData: true in Linkspan's API. " +
      'Or keep it: linkspan sync --once --keep-destination, preExistingDestinationData: true of /start.',
  },
  NAMESPACE_EXISTS: {
    status: 400,
    detail: 'The destination keeps its existing data, and already has %.',
    remedy: 'Drop or rename it there, exclude it with a filter, or rename it with a remap.',
  },
  DESTINATION_KEPT: {
    status: 200,
    severity: 'warning',
    concerns: 'cutover',
    detail:
      'The destination keeps its data and its writers. Linkspan does not block their writes to the migrated namespaces.',
    remedy: 'Make sure that nobody writes to the migrated namespaces there until the cutover is complete.',
  },
  DESTINATION_UNPROTECTED: {
    status: 200,
    severity: 'warning',
    concerns: 'cutover',
    detail: 'Linkspan does not block writes of other users to the destination during the migration.',
    remedy: 'Use a destination with authentication, and a user with the role restore.',
  },
  UNSUPPORTED_NAMESPACE: {
    status: 400,
    detail: '% cannot be migrated yet: it is %.',
    remedy: 'Drop it on the source or migrate it by other means, then start again.',
  },
  INDEX_MODERNISED: {
    status: 200,
    severity: 'warning',
    detail: 'The index % of % is migrated in a form that current servers accept: %.',
    remedy: 'No action is needed: the index works as on the source.',
  },
  ACCOUNTS_KEPT: {
    status: 200,
    severity: 'warning',
    detail: 'The destination keeps its own %; those of the source are not migrated.',
    remedy:
      "Compare them on both sides. To use the source's, drop or rename them on the destination before the cutover.",
  },
  ACCOUNTS_REFUSED: {
    status: 409,
    detail: 'The destination refuses users or roles of the source: %.',
    remedy: 'Correct them on the source or create them on the destination by hand, then resume.',
  },
  ACCOUNTS_NEED_WHOLE: {
    status: 400,
    detail: 'Linkspan migrates users and roles only with a whole cluster, without filters and remaps.',
    remedy:
      'Remove filters and remaps. Or migrate without users and roles, and create them on the destination by hand.',
  },
  CA_FILE_UNUSABLE: {
    status: 400,
    detail: 'The CA file % for the % cannot be used: %.',
    remedy: "Use the path of a PEM file on this host that contains the certificate of the servers' CA.",
  },
  TLS_FAILED: {
    status: 400,
    detail: 'The % cannot be reached with the given TLS settings: %.',
    remedy:
      "Check that both sides use TLS or neither does, and that the CA file has the servers' CA. Check that their certificates name their hosts and have not expired.",
  },
  CONNECTION_NOT_ENCRYPTED: {
    status: 200,
    severity: 'warning',
    detail: 'The connection to the % is not encrypted: passwords and documents cross the network in plain text.',
    remedy: 'Set tls=true in the connection string, unless the network is private.',
  },
  INDEXES_AT_LIMIT: {
    status: 200,
    severity: 'warning',
    detail: '% has % indexes, the most that a server allows.',
    remedy: 'No action is needed: all are migrated. To create another index, drop one first.',
  },
  DOCUMENTS_NEAR_LIMIT: {
    status: 200,
    severity: 'warning',
    detail: '% has documents near the limit of 16 MiB: up to % MiB in a sample of %.',
    remedy:
      'No action is needed: they are migrated. Each change of such a document transfers all of it, so expect more lag.',
  },
  CAPPED_IN_PAUSE: {
    status: 200,
    severity: 'warning',
    concerns: 'cutover',
    detail:
      '% is capped at %. If both sides have discarded different documents, Linkspan copies it again during the write pause of the cutover.',
    remedy: 'Plan a longer write pause for this copy, or stop its writers some time before the cutover.',
  },
  DISK_TOO_SMALL: {
    status: 400,
    detail: "The destination's disk has % GB for data that takes % GB on the source's disk.",
    remedy:
      'Enlarge the disk, or select fewer namespaces. If the destination compresses better than the source, skip this check (skipDiskSpaceCheck).',
  },
  DISK_TIGHT: {
    status: 200,
    severity: 'warning',
    detail: "The destination's disk has % GB. % GB (twice the size of the documents) is a safe size.",
    remedy: 'Enlarge the disk, or check that the compressed data, the indexes and an oplog of the same size fit.',
  },
  OPLOG_SHORT: {
    status: 200,
    severity: 'warning',
    detail:
      "The source's oplog covers %, and the initial copy may take %. After a longer stop than the oplog covers, Linkspan has to compare all copied data with the source and repair it before the cutover.",
    remedy:
      'Enlarge the oplog (replSetResizeOplog, minRetentionHours) until it covers the duration of the copy, and at least an hour.',
  },
  HIDDEN_WRITES_UNSEEN: {
    status: 200,
    severity: 'warning',
    detail:
      'The user on the source may not read its oplog (%). During the migration Linkspan misses what applyOps, convertToCapped and cloneCollectionAsCapped write there, because change streams do not show it.',
    remedy:
      'Grant the user on the source the role backup, or find on local.oplog.rs. Otherwise, until the cutover, do not restore into the source with --oplogReplay and do not convert collections there.',
  },
  PART_NOT_BLOCKED: {
    status: 200,
    severity: 'warning',
    concerns: 'cutover',
    detail: 'Only a part of the source is migrated, so Linkspan does not block writes to the source at the cutover.',
    remedy: 'Stop the applications that write to the selected namespaces before you request the cutover.',
  },
  USERS_BYPASS_BLOCK: {
    status: 200,
    severity: 'warning',
    concerns: 'cutover',
    detail: 'The source has users who can bypass the write block at the cutover: %.',
    remedy: 'Stop the applications that write as these users before you request the cutover, or revoke the role.',
  },
  WRITES_BLOCKED: {
    status: 200,
    severity: 'warning',
    concerns: 'cutover',
    detail: 'User writes on the % were blocked at the time of the check.',
    remedy:
      'If nobody needs this block and no migration has committed from there, lift it: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  BLOCK_OWNER_UNSEEN: {
    status: 200,
    severity: 'warning',
    concerns: 'cutover',
    detail:
      "The user on the source may not read its oplog. So Linkspan can't see who set a write block there, and never lifts or uses one that is already set.",
    remedy:
      'Grant the role backup or clusterMonitor, or find on local.oplog.rs and on config.user_writes_critical_sections. Otherwise, cut over one migration from this source at a time.',
  },
  HOST_BUSY: {
    status: 200,
    severity: 'warning',
    detail: 'This host was busy at the time of the check: its load average was % per processor.',
    remedy: 'Stop other programs here, or run the migration on another host. A busy host copies slowly and lags more.',
  },
  CLOCKS_DIFFER: {
    status: 200,
    severity: 'warning',
    detail: 'The clock of the % is % the clock of this host.',
    remedy: 'Synchronize the clocks, for example with NTP. Otherwise log times, lag and expiry times are wrong.',
  },
  CHECK_FAILED: {
    status: 400,
    detail: 'It is unknown whether a migration can start. Linkspan could not check %: %.',
    remedy: 'Fix the reported problem and run the check again.',
  },
  CHECK_INCOMPLETE: {
    status: 200,
    severity: 'warning',
    detail: 'Linkspan could not check %: %.',
    remedy: 'Check it yourself, or fix the reported problem and run the check again.',
  },
  FINDINGS_LEFT_OUT: {
    status: 200,
    severity: 'warning',
    detail: '% more findings are not shown here.',
    remedy: 'Fix the shown findings and run the check again, or list all with linkspan plan on the migration host.',
  },
  INVALID_FILTER: {
    status: 400,
    detail: 'A namespace filter is not valid: %.',
    remedy:
      'Use the form {"database": "d", "collections": ["c"]}, or databaseRegex and collectionsRegex with pattern and options.',
  },
  FILTER_MATCHES_NOTHING: {
    status: 400,
    detail: '% names %, but the source has nothing with that name to migrate.',
    remedy:
      'Correct the name; names are case-sensitive. For a name that will exist on the source later, use databaseRegex or collectionsRegex with {"pattern": "^name$"}.',
  },
  PATTERN_MATCHES_NOTHING: {
    status: 200,
    severity: 'warning',
    detail: '% has %, which matches nothing on the source.',
    remedy: 'Correct the pattern, unless it is for names that will exist on the source later: it applies to those too.',
  },
  INVALID_DOCUMENT_FILTER: {
    status: 400,
    detail: 'The document filter of % is not valid: %.',
    remedy:
      'Use a query in Extended JSON that depends only on the document, for a collection that exists on the source.',
  },
  INVALID_REMAP: {
    status: 400,
    detail: 'The namespace remap is not valid: %.',
    remedy:
      'Use the form {"from": {"database": "a"}, "to": {"database": "b"}}, optionally with "collection" on both sides, for names that exist on the source.',
  },
  SELECTION_CHANGED: {
    status: 409,
    detail:
      'Migration % was started with another selection (filters, document filters, remap, kept destination) than the current one.',
    remedy: 'Use the selection that it was started with, or start a new migration.',
  },
  SOURCE_STILL_WRITTEN: {
    status: 409,
    detail: 'Applications still wrote to the source after the cutover of migration % had started.',
    remedy: 'Stop the applications that write to the selected namespaces, then request the cutover again.',
  },
  SOURCE_WRITTEN_AFTER_COMMIT: {
    status: 200,
    severity: 'warning',
    detail: 'After the commit, the source received % in %. They exist only on the source.',
    remedy:
      'Stop the applications that still write to the source. Compare these namespaces on both sides and copy the missing changes by hand.',
  },
  CATALOG_CHANGED: {
    status: 409,
    detail:
      'The catalog of the source has changed at %: %. Linkspan cannot follow this, because change streams of servers before 6.0 do not show all of it.',
    remedy:
      'Start a new migration, and do not change collections, views and indexes until it ends. Or upgrade the source to 6.0 first.',
  },
  SOURCE_NOT_BLOCKED: {
    status: 200,
    severity: 'warning',
    concerns: 'cutover',
    detail:
      'The source runs MongoDB %: Linkspan cannot block its writes at the cutover, and a change of its catalog stops the migration.',
    remedy:
      'Do not change collections, views and indexes until the migration ends. Stop all applications that write before you request the cutover.',
  },
  OTHER_SOURCE: {
    status: 409,
    detail:
      'Migration % was started with other clusters than the ones that answer now. A replica set that was initiated again counts as another cluster.',
    remedy: 'Use the connection strings of the clusters that it was started with, or start a new migration.',
  },
  DROPS_UNCONFIRMED: {
    status: 409,
    detail:
      'Within a minute, the source dropped % of the % collections and % of the % documents of the migration, first %. Linkspan drops them on the destination only after you confirm.',
    remedy:
      'If the drops were intended, confirm them: start with --confirm-drops, or call confirmDrops while the migration runs. If not, restore the collections on the source with the same names: Linkspan copies them again.',
  },
  CHECKPOINT_OF_OTHER_VERSION: {
    status: 409,
    detail: 'The checkpoint of migration % has schema version %, which this version of Linkspan does not support.',
    remedy: 'Resume with the version of Linkspan that wrote it, or start a new migration.',
  },
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
      'Use another destination. If nobody needs that data, forget the migration first: linkspan cleanup --destination URI --migration %.',
  },
  DESTINATION_TAKEN: {
    status: 409,
    detail: 'Migration % has lost its destination: migration % has taken it.',
    remedy:
      'Cancel it where it is managed, then remove its records: linkspan cleanup --migration %. If its cutover was interrupted and its source refuses writes, lift the write block there: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  WRITER_CHANGED: {
    status: 409,
    detail:
      'An earlier engine of migration % wrote as user %. The destination cannot refuse what that engine may still send.',
    remedy: 'Make sure that no earlier engine runs, or drop that user on the destination.',
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
  NAMESPACE_CONFLICT: {
    status: 409,
    scope: 'collection',
    detail: '% cannot be brought in sync: %.',
    remedy: 'Correct it on the source or on the destination, then resume.',
  },
  INTERNAL_ERROR: {
    status: 500,
    detail: 'An unexpected error occurred: %.',
    remedy: 'Start Linkspan again: it resumes from the checkpoint. If the error occurs again, report it with the log.',
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
  CANCELLED_OUT_OF_REACH: {
    status: 409,
    detail: 'The migration was cancelled while its clusters could not be reached: %.',
    remedy:
      'The copied data is still on the destination: linkspan cleanup lists and removes it. If its cutover had started and the source refuses writes, lift the write block there: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  MISSING_PRIVILEGE: {
    status: 400,
    detail: 'User % on the % lacks privileges: %.',
    remedy:
      'docs/12-administration.md#privileges explains each privilege. Run in mongosh, as an administrator of the %: %',
  },
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
  CUTOVER_UNFINISHED: {
    status: 409,
    detail: 'Migration % has made the destination the primary copy, and its indexes are not restored yet.',
    remedy: 'Start the migration again and let it finish.',
  },
  COMMITTED_DATA: {
    status: 409,
    detail: 'Migration % is committed: its data is the primary copy now, so Linkspan does not drop it.',
    remedy: 'Omit --drop to remove only its checkpoint. To delete the data, drop it by hand.',
  },
});
