import { defineErrors } from '../define.ts';

/** Findings of the checks before a migration: errors that prevent its start, and warnings. */
export const preflightErrors = defineErrors('migration', {
  DESTINATION_NOT_EMPTY: {
    status: 400,
    detail: 'The destination is not empty: it has %.',
    remedy:
      'Check that this is the destination, and not the source. Choose an empty cluster. Or drop the existing data: start linkspan sync with --drop-destination cluster1 (the side to drop; /start cannot ask for it), ' +
      "use linkspan migration create --drop or drop: true of the entry in a fleet file, or send dropDestinationData: true in Linkspan's API. " +
      'Or keep it: linkspan sync --once --keep-destination, preExistingDestinationData: true of /start.',
  },
  NAMESPACE_EXISTS: {
    status: 400,
    detail: 'The destination keeps its existing data, and already has %.',
    remedy: 'Drop or rename it there, exclude it with a filter, or rename it with a remap.',
  },
  DESTINATION_KEPT: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      'The destination keeps its data and its writers. Linkspan does not block their writes to the migrated namespaces.',
    remedy: 'Make sure that no one writes to the migrated namespaces there until the cutover is complete.',
  },
  DESTINATION_UNPROTECTED: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail: 'Linkspan does not block writes of other users to the destination during the migration.',
    remedy: 'Use a destination with authentication, and a user with the role restore.',
  },
  REVERSE_IMPOSSIBLE: {
    status: 400,
    detail: 'The migration could not be reversed after the cutover: %.',
    remedy: 'Change that, or start the migration without a failback.',
  },
  UNSUPPORTED_NAMESPACE: {
    status: 400,
    detail: '% cannot be migrated yet: it is %.',
    remedy: 'Drop it on the source or migrate it by other means, then start again.',
  },
  INDEX_MODERNISED: {
    status: 200,
    severity: 'WARNING',
    detail: 'The index % of % is migrated in a form that current servers accept: %.',
    remedy: 'No action is needed: the index works as on the source.',
  },
  INDEXES_AT_LIMIT: {
    status: 200,
    severity: 'WARNING',
    detail: '% has % indexes, the most that a server allows.',
    remedy: 'No action is needed: all are migrated. To create another index, drop one first.',
  },
  RECOVERY_MAY_FAIL: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      'The % runs MongoDB %. Because of the unique indexes of %, a member that is killed within about a minute after users move there may be unable to start again.',
    remedy:
      'Before the cutover, upgrade it to the newest patch release, or have that release at hand: it starts such a member, and nothing is lost.',
  },
  DOCUMENTS_NEAR_LIMIT: {
    status: 200,
    severity: 'WARNING',
    detail: '% has documents near the limit of 16.8 MB: up to % in a sample of %.',
    remedy:
      'No action is needed: they are migrated. Each change of such a document transfers all of it, so expect more lag.',
  },
  USERS_STAY: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail: 'The source has users whom the migration does not bring over: %.',
    remedy:
      'Bring users and roles over, too (`--users-and-roles`, or `linkspan.usersAndRoles` of the API), or create them on the destination before the cutover.',
  },
  ACCOUNTS_KEPT: {
    status: 200,
    severity: 'WARNING',
    detail: 'The destination keeps its own %; those of the source are not migrated.',
    remedy:
      "Compare them on both sides. To use the source's, drop or rename them on the destination before the cutover.",
  },
  DISK_TOO_SMALL: {
    status: 400,
    detail: "The destination's disk has % GB for data that takes % GB on the source's disk.",
    remedy:
      'Enlarge the disk, or select fewer namespaces. If the destination compresses better than the source, skip this check (skipDiskSpaceCheck).',
  },
  DISK_TIGHT: {
    status: 200,
    severity: 'WARNING',
    detail: "The destination's disk has % GB. % GB (twice the size of the documents) is a safe size.",
    remedy: 'Enlarge the disk, or check that the compressed data, the indexes and an oplog of the same size fit.',
  },
  OPLOG_SHORT: {
    status: 200,
    severity: 'WARNING',
    detail:
      "The source's oplog covers %, and the initial sync may take %. After a longer stop than the oplog covers, Linkspan has to compare all copied data with the source and repair it before the cutover.",
    remedy:
      'Enlarge the oplog (replSetResizeOplog, minRetentionHours) until it covers the duration of the copy, and at least an hour.',
  },
  UNSTREAMED_WRITES_UNSEEN: {
    status: 200,
    severity: 'WARNING',
    detail:
      "The source's oplog can't be read (%). During the migration Linkspan misses what applyOps, convertToCapped and cloneCollectionAsCapped write there, because change streams do not show it.",
    remedy:
      'On a replica set, grant the user on the source the role backup, or find on local.oplog.rs. Otherwise, until the cutover, do not restore into the source with --oplogReplay and do not convert collections there.',
  },
  PART_NOT_BLOCKED: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail: 'Only a part of the source is migrated, so Linkspan does not block writes to the source at the cutover.',
    remedy: 'Stop the applications that write to the selected namespaces before you request the cutover.',
  },
  SOURCE_NOT_BLOCKED: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      'The source runs MongoDB %: Linkspan cannot block its writes at the cutover, and a change of its catalog stops the migration.',
    remedy:
      'Do not change collections, views and indexes until the migration ends. Stop all applications that write before you request the cutover.',
  },
  USERS_BYPASS_BLOCK: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail: 'The source has users who can bypass the write block at the cutover: %.',
    remedy: 'Stop the applications that write as these users before you request the cutover, or revoke the role.',
  },
  WRITES_BLOCKED: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail: 'User writes on the % were blocked at the time of the check.',
    remedy:
      'If no one needs this block and no migration has committed from there, lift it: db.adminCommand({setUserWriteBlockMode: 1, global: false}).',
  },
  BLOCK_OWNER_UNSEEN: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      "The user on the source may not read its oplog. So Linkspan can't see who set a write block there, and never lifts or uses one that is already set.",
    remedy:
      'Grant the role backup or clusterMonitor, or find on local.oplog.rs and on config.user_writes_critical_sections. Otherwise, cut over one migration from this source at a time.',
  },
  TABLE_SCANS_REFUSED: {
    status: 400,
    detail: 'The % refuses queries without an index (parameter notablescan), and Linkspan needs some for its records.',
    remedy:
      'Allow them on each of its members: db.adminCommand({setParameter: 1, notablescan: false}). After the cutover, or after linkspan cleanup, set it again.',
  },
  VERSION_NOT_TRIED: {
    status: 200,
    severity: 'WARNING',
    detail: 'Linkspan was not tried with the version of the %, MongoDB %. Its tests run on 5.0, on 6.0, and on %.',
    remedy:
      'Run linkspan probe with both connection strings: it tries in a minute what Linkspan relies on. Then try the migration with a copy of your data, up to the cutover.',
  },
  FILE_LIMIT_LOW: {
    status: 200,
    severity: 'WARNING',
    detail: "The destination may open % files, and the source's collections and indexes need %.",
    remedy: 'Raise the limit of the destination (ulimit -n, or LimitNOFILE of its systemd unit) to 64,000 or more.',
  },
  PROFILER_ON: {
    status: 200,
    severity: 'WARNING',
    detail: 'The profiler of the % records every operation in %.',
    remedy:
      'Set its level to 0 or 1 (db.setProfilingLevel) until the migration ends: every read or write of the migration causes one more write.',
  },
  INDEX_FILTERS_LEFT: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail: 'The source has index filters for %. They are in the memory of its %, so they are not migrated.',
    remedy:
      'Set them on the destination before the cutover (planCacheSetFilter), or drop those that queries do not need.',
  },
  SEARCH_INDEXES_LEFT: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail: 'The source has search indexes, which are not migrated: %.',
    remedy:
      'Create them on the destination with the script that linkspan plan --search-index-script FILE writes, one after the other: a build reads its whole collection at full speed.',
  },
  QUERY_SETTINGS_LEFT: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      'Query settings were set on the source, for % shapes of queries. They are not migrated, and the destination does not show the same.',
    remedy:
      'List them on the source with db.getSiblingDB("admin").aggregate([{$querySettings: {}}]), and set them on the destination before the cutover (setQuerySettings).',
  },
  CLUSTER_PARAMETERS_LEFT: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      'Cluster parameters were set on the source: %. They are not migrated, and the destination does not show the same values.',
    remedy:
      'Read them on the source with db.adminCommand({getClusterParameter: "*"}), and set them on the destination before the cutover (setClusterParameter).',
  },
  WRITE_CONCERNS_LEFT: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      'The source has write concerns that the destination lacks: %. Writes that name one fail on the destination.',
    remedy:
      'Add them to settings.getLastErrorModes of the destination before the cutover (rs.reconfig), with the tags of its members, or have applications name others.',
  },
  MEMBER_TAGS_LEFT: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail:
      'Members of the source have tags that no member of the destination has: %. Reads that ask for one find no server there.',
    remedy:
      'Tag members of the destination before the cutover (rs.reconfig), or remove these tags from the read preferences of applications.',
  },
  DEFAULT_CONCERNS_DIFFER: {
    status: 200,
    severity: 'WARNING',
    concerns: 'CUTOVER',
    detail: 'The default % concern of the source was set to %, and that of the destination is %.',
    remedy:
      'Set the same on the destination before the cutover (setDefaultRWConcern), or have applications ask for the concern that they need.',
  },
  RANDOM_IDS: {
    status: 200,
    severity: 'WARNING',
    detail: 'Collection % has % of documents with random _ids, and the cache of the source has %. %.',
    remedy:
      'Expect the copy to displace documents of your users from the cache, and to be slow in the order of _id. Copy it in quiet hours, or limit the copy rate.',
  },
  HOST_BUSY: {
    status: 200,
    severity: 'WARNING',
    detail: 'This host was busy at the time of the check: its load average was % per processor.',
    remedy: 'Stop other programs here, or run the migration on another host. A busy host copies slowly and lags more.',
  },
  CLOCKS_DIFFER: {
    status: 200,
    severity: 'WARNING',
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
    severity: 'WARNING',
    detail: 'Linkspan could not check %: %.',
    remedy: 'Check it yourself, or fix the reported problem and run the check again.',
  },
  FINDINGS_LEFT_OUT: {
    status: 200,
    severity: 'WARNING',
    detail: '% more findings are not shown here.',
    remedy: 'Fix the shown findings and run the check again, or list all with linkspan plan on the migration host.',
  },
});
