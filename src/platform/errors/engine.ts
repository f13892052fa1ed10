import { defineErrors } from './define.ts';

/** What can stop a migration, or keep one from starting. */
export const engineErrors = defineErrors({
  SOURCE_UNREACHABLE: {
    status: 400,
    detail: 'The source cannot be reached: %.',
    remedy: 'Check host names, ports, firewalls and TLS settings from the migration host.',
  },
  DESTINATION_UNREACHABLE: {
    status: 400,
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
      'Put user and password into the connection string: mongodb://user:password@host/?authSource=admin. docs/03-agent.md lists the roles that the user needs.',
  },
  WRONG_REPLICA_SET: {
    status: 400,
    detail: 'The server % of the % belongs to replica set `%` and the connection string says `%`.',
    remedy: 'Set replicaSet in the connection string to the name that the server has, or correct the host names.',
  },
  INVALID_CONNECTION_STRING: {
    status: 400,
    detail: 'The connection string of the % is not valid: %.',
    remedy:
      'Give a string of the form mongodb://user:password@host1,host2/?replicaSet=name, with user and password percent-encoded.',
  },
  WEAK_CONNECTION_OPTION: {
    status: 400,
    detail: 'The connection string of the % sets %, which a migration does not allow.',
    remedy: 'Remove the option. Linkspan reads from primaries with majority, and writes with majority.',
  },
  STANDALONE_SERVER: {
    status: 400,
    detail: 'The % (%) is a stand-alone server: it has no oplog.',
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
    remedy: 'Upgrade it first.',
  },
  DESTINATION_OLDER: {
    status: 400,
    detail: 'The destination (MongoDB %) is older than the source (MongoDB %).',
    remedy: 'Use a destination of the same or a newer version.',
  },
  SAME_CLUSTER: {
    status: 400,
    detail: 'Source and destination are the same replica set.',
    remedy: 'Give the connection string of another cluster for one of them.',
  },
  DESTINATION_NOT_EMPTY: {
    status: 400,
    detail: 'The destination is not empty: it has %.',
    remedy:
      'Choose an empty cluster. Or drop what is there: start linkspan sync with --drop-destination cluster1 (the side to drop; /start cannot ask for it), ' +
      "use linkspan migration create --drop, or send dropDestinationData: true in Linkspan's API. " +
      'Or keep it: linkspan sync --once --keep-destination, preExistingDestinationData: true of /start.',
  },
  NAMESPACE_EXISTS: {
    status: 400,
    detail: 'The destination, whose data is to be kept, already has %.',
    remedy: 'Drop or rename it there, leave it out by a filter, or give it another name by a remap.',
  },
  DESTINATION_KEPT: {
    status: 200,
    concerns: 'cutover',
    detail: 'The destination keeps its data and its writers: they are not kept from writing to what is being migrated.',
    remedy: 'See that nobody writes to the migrated namespaces there before the cutover is done.',
  },
  DESTINATION_UNPROTECTED: {
    status: 200,
    concerns: 'cutover',
    detail: 'Other users of the destination are not kept from writing to it during the migration.',
    remedy: 'Use a destination with authentication, and a user with the role restore.',
  },
  UNSUPPORTED_NAMESPACE: {
    status: 400,
    detail: '% cannot be migrated yet: it is %.',
    remedy: 'Drop it on the source or move it by other means, then start again.',
  },
  INDEX_MODERNISED: {
    status: 200,
    detail: 'The index % of % comes over in a form that servers of today take: %.',
    remedy: 'Nothing has to be done: it does the same as on the source.',
  },
  ACCOUNTS_KEPT: {
    status: 200,
    detail: 'The destination keeps its own %; those of the source do not come over.',
    remedy:
      'Compare them on both sides. To have those of the source, drop or rename them on the destination before the cutover.',
  },
  ACCOUNTS_REFUSED: {
    status: 409,
    detail: 'The destination does not take over users or roles of the source: %.',
    remedy: 'Correct them on the source or make them on the destination by hand, then resume.',
  },
  ACCOUNTS_NEED_WHOLE: {
    status: 400,
    detail: 'Users and roles are moved with a whole cluster only, and only a part was selected, or names were changed.',
    remedy: 'Leave out the selection, or leave out users and roles and make them on the destination by hand.',
  },
  CA_FILE_UNUSABLE: {
    status: 400,
    detail: 'The CA file % for the % cannot be used: %.',
    remedy: 'Give the path of a PEM file on this host with the certificate of the CA that signed those of the servers.',
  },
  TLS_FAILED: {
    status: 400,
    detail: 'The % cannot be reached with the TLS settings given: %.',
    remedy:
      'Check that both sides use TLS or neither, that the CA file has the CA of the servers, and that their certificates name their hosts and have not expired.',
  },
  CONNECTION_NOT_ENCRYPTED: {
    status: 200,
    detail: 'The connection to the % is not encrypted: passwords and documents are on the network in the clear.',
    remedy: 'Use tls=true in the connection string, unless the network is yours alone.',
  },
  INDEXES_AT_LIMIT: {
    status: 200,
    detail: '% has % indexes, as many as a server allows.',
    remedy: 'Nothing has to be done: it comes over as it is. Another index can be made only once one is dropped.',
  },
  DOCUMENTS_NEAR_LIMIT: {
    status: 200,
    detail: '% has documents near the limit of 16 MiB: % MiB were seen in a sample of %.',
    remedy: 'Nothing has to be done: they come over. Each of their changes moves the whole document, so expect a lag.',
  },
  CAPPED_IN_PAUSE: {
    status: 200,
    concerns: 'cutover',
    detail:
      '% is capped at %: when it has discarded other documents on the two sides, it is copied anew inside the write pause.',
    remedy: 'Allow for that time at the cutover, or stop its writers a while before.',
  },
  DISK_TOO_SMALL: {
    status: 400,
    detail: "The destination's disk has % GB for data that takes % GB on the source's disk.",
    remedy:
      'Enlarge the disk, select less, or, where the destination stores more tightly than the source, skip this check (skipDiskSpaceCheck).',
  },
  DISK_TIGHT: {
    status: 200,
    detail:
      "The destination's disk has % GB; % GB, twice the size of the documents, is what is safe without looking closer.",
    remedy: 'Enlarge the disk, or see that data, indexes and an oplog of their size fit when they are compressed.',
  },
  OPLOG_SHORT: {
    status: 200,
    detail:
      "The source's oplog reaches back %, and the initial copy may take %. After a stop that is longer than the oplog reaches back, all that was copied has to be compared with the source and repaired before the cutover.",
    remedy:
      'Enlarge the oplog (replSetResizeOplog, minRetentionHours) until it reaches back as long as the copy takes, and an hour at least.',
  },
  HIDDEN_WRITES_UNSEEN: {
    status: 200,
    detail:
      'The user of the source may not read its oplog (%), so what applyOps, convertToCapped and cloneCollectionAsCapped write to it while it is migrated is not seen: no change stream shows that.',
    remedy:
      'Grant the user of the source the role backup, or find on local.oplog.rs. Without it, do not restore with --oplogReplay into the source and convert no collections there before the cutover.',
  },
  PART_NOT_BLOCKED: {
    status: 200,
    concerns: 'cutover',
    detail: 'Only a part of the source is migrated, so its writers are not kept from writing at the cutover.',
    remedy: 'Stop the applications that write to the selected part before you ask for the cutover.',
  },
  USERS_BYPASS_BLOCK: {
    status: 200,
    concerns: 'cutover',
    detail: 'The source has users who can write while its writes are blocked at the cutover: %.',
    remedy: 'Stop what writes as one of them before you ask for the cutover, or take the role from them.',
  },
  WRITES_BLOCKED: {
    status: 200,
    concerns: 'cutover',
    detail: 'Writes of users of the % were blocked when it was looked at.',
    remedy:
      'If nobody means that any more, and no migration has committed from there, lift it: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  BLOCK_OWNER_UNSEEN: {
    status: 200,
    concerns: 'cutover',
    detail:
      "The user on the source may not read its oplog. Linkspan can't see there whose write block the source has, and never lifts or uses one that it finds set.",
    remedy:
      'Grant the role backup or clusterMonitor, or find on local.oplog.rs and on config.user_writes_critical_sections. Without it, cut over one migration from this source at a time.',
  },
  HOST_BUSY: {
    status: 200,
    detail: 'This host was busy when it was looked at: % processes wanted to run on each processor.',
    remedy: 'Move what else runs here, or run the migration on another host; a busy one copies and follows slowly.',
  },
  CLOCKS_DIFFER: {
    status: 200,
    detail: 'The clock of the % is % the clock of this host.',
    remedy: 'Set the clocks, for example with NTP: times of logs, lag and expiry mislead otherwise.',
  },
  CHECK_FAILED: {
    status: 400,
    detail: 'Whether a migration can start is not known: looking at % failed: %.',
    remedy: 'Mend what it says, then look again.',
  },
  CHECK_INCOMPLETE: {
    status: 200,
    detail: 'Not everything was looked at: %: %.',
    remedy: 'Look at it yourself, or mend what it says and look again.',
  },
  FINDINGS_LEFT_OUT: {
    status: 200,
    detail: '% more findings are left out here.',
    remedy: 'Mend the others and look again, or see all of them with linkspan plan on the migration host.',
  },
  INVALID_FILTER: {
    status: 400,
    detail: 'A namespace filter is not valid: %.',
    remedy:
      'Use the form {"database": "d", "collections": ["c"]}, or databaseRegex and collectionsRegex with pattern and options.',
  },
  FILTER_MATCHES_NOTHING: {
    status: 400,
    detail: '% names %, and the source has nothing of that name to migrate.',
    remedy:
      'Correct the name: upper and lower case differ. For a name that the source gets later, use databaseRegex or collectionsRegex with {"pattern": "^name$"}.',
  },
  PATTERN_MATCHES_NOTHING: {
    status: 200,
    detail: '% has %, which matches nothing on the source.',
    remedy: 'Correct the pattern, unless it is for names that the source gets later: it applies to those, too.',
  },
  INVALID_DOCUMENT_FILTER: {
    status: 400,
    detail: 'The document filter of % is not valid: %.',
    remedy:
      'Give a query in Extended JSON that depends on nothing but the document, for a collection that the source has.',
  },
  INVALID_REMAP: {
    status: 400,
    detail: 'The namespace remap is not valid: %.',
    remedy:
      'Use the form {"from": {"database": "a"}, "to": {"database": "b"}}, optionally with "collection" on both sides, for names that the source has.',
  },
  SELECTION_CHANGED: {
    status: 409,
    detail:
      'Migration % was started with another selection (filters, document filters, remap, kept destination) than the one given now.',
    remedy: 'Give the selection it was started with, or start a new migration.',
  },
  SOURCE_STILL_WRITTEN: {
    status: 409,
    detail: 'The source was still written to after the cutover of migration % had begun.',
    remedy: 'Stop the applications that write to the selected namespaces, then ask for the cutover again.',
  },
  SOURCE_WRITTEN_AFTER_COMMIT: {
    status: 200,
    detail: 'After the commit, the source received % in %. They exist only on the source.',
    remedy:
      'Stop the applications that still write to the source. Compare these namespaces on both sides and carry the missing changes over by hand.',
  },
  CATALOG_CHANGED: {
    status: 409,
    detail:
      'The catalog of the source has changed at %: %. Servers before 6.0 do not show all of that, so it cannot be followed.',
    remedy:
      'Start a new migration once collections, views and indexes are left alone until its end, or upgrade the source to 6.0 first.',
  },
  SOURCE_NOT_BLOCKED: {
    status: 200,
    concerns: 'cutover',
    detail:
      'The source runs MongoDB %: it cannot be kept from taking writes at the cutover, and a change of its catalog stops the migration.',
    remedy:
      'Leave collections, views and indexes alone until the end, and stop all applications that write before you ask for the cutover.',
  },
  OTHER_SOURCE: {
    status: 409,
    detail:
      'Migration % was started between other clusters than those that answer now: a replica set that was initiated anew is another one.',
    remedy: 'Give the connection strings of the clusters it was started with, or start a new migration.',
  },
  DROPS_UNCONFIRMED: {
    status: 409,
    detail:
      'The source has lost % of the % collections and % of the % documents of the migration within a minute, first %. Nothing of it is dropped on the destination until that is confirmed.',
    remedy:
      'If it was meant, confirm it: start with --confirm-drops, or call confirmDrops while the migration runs. If not, restore the collections on the source: under their names they are copied anew.',
  },
  CHECKPOINT_OF_OTHER_VERSION: {
    status: 409,
    detail: 'The checkpoint of migration % has schema version %, which this version of Linkspan does not know.',
    remedy: 'Go on with the version of Linkspan that wrote it, or start a new migration.',
  },
  TAKEN_OVER: {
    status: 409,
    detail: 'Another engine has taken over migration %.',
    remedy: 'Look for a second agent or sync process; this one has stopped writing.',
  },
  ENGINE_RUNNING: {
    status: 409,
    detail: 'Migration % is run by another engine: process % on host %, since %. It wrote to its record % s ago.',
    remedy:
      'Stop that process, or take the migration over with linkspan sync --take-over: the other engine then stops writing.',
  },
  DESTINATION_IN_USE: {
    status: 409,
    detail: 'Migration % (%) uses the destination.',
    remedy:
      'Wait for its end, cancel it, or forget it with linkspan cleanup; or use another destination. Permission to drop the destination takes it from that migration.',
  },
  DESTINATION_TAKEN: {
    status: 409,
    detail: 'Migration % no longer has its destination: migration % has taken it.',
    remedy:
      'Cancel it where it is managed, then remove its records: linkspan cleanup --migration %. If its cutover was interrupted and its source refuses writes, lift that there: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  WRITER_CHANGED: {
    status: 409,
    detail: 'Migration % was written as user % before: what an engine may still send as that user is not refused.',
    remedy: 'Make sure that no earlier engine is left, or drop that user on the destination.',
  },
  HISTORY_LOST: {
    status: 409,
    detail: 'The source no longer has the part of its oplog from where migration % has to go on (%).',
    remedy:
      'Enlarge the oplog of the source (replSetResizeOplog), then start again: what may have been missed is compared and repaired.',
  },
  UNDECODABLE_EVENT: {
    status: 500,
    detail: 'A change event could not be understood: %. Its resume token is %.',
    remedy: 'Report this. Nothing was skipped: the migration stopped before that event.',
  },
  NAMESPACE_CONFLICT: {
    status: 409,
    detail: '% cannot be brought in step: %.',
    remedy: 'Correct it on the source or on the destination, then resume.',
  },
  INTERNAL_ERROR: {
    status: 500,
    detail: 'Something went wrong that Linkspan did not expect: %.',
    remedy: 'Start it again: it goes on from the checkpoint. If it happens again, report it with the log.',
  },
  NOT_READY_FOR_CUTOVER: {
    status: 409,
    detail: 'The migration is not ready for cutover: %.',
    remedy: 'Wait until it is ready, then ask again.',
  },
  WRONG_STATE: {
    status: 409,
    detail: '% is not possible while the migration is %.',
    remedy: 'Look at its progress, and ask again when the state allows it.',
  },
  CANCELLED_OUT_OF_REACH: {
    status: 409,
    detail: 'The migration was cancelled while its clusters could not be reached: %.',
    remedy:
      'What it copied is still on the destination: linkspan cleanup shows or removes it. If it was cutting over and the source refuses writes, lift that there: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  MISSING_PRIVILEGE: {
    status: 400,
    detail: 'User % on the % lacks privileges: %.',
    remedy:
      'docs/12-administration.md#privileges says what each privilege is for. Run in mongosh, as an administrator of the %: %',
  },
  NO_SUCH_MIGRATION: {
    status: 404,
    detail: 'The destination knows no migration %.',
    remedy: 'linkspan cleanup without --migration lists those that it knows.',
  },
  MIGRATION_RUNS: {
    status: 409,
    detail: 'Migration % was at work less than 30 seconds ago.',
    remedy: 'Stop or cancel it where it runs, wait half a minute, then try again.',
  },
  CUTOVER_UNFINISHED: {
    status: 409,
    detail: 'Migration % has made the destination the primary copy, and its indexes are not restored yet.',
    remedy: 'Start the migration again, so that it ends by itself.',
  },
  COMMITTED_DATA: {
    status: 409,
    detail: 'Migration % is committed: what it made is the primary copy now, and is not dropped.',
    remedy: 'Leave out --drop to forget its checkpoint. Drop the data by hand if it is really not wanted.',
  },
});
