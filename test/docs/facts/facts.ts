import type { Face } from './faces.ts';

const ATLAS = "Atlas's name, which its clients read";
const MONGOSYNC = "mongosync's name, which its scripts read";
const LABEL = 'a label names a thing, and its value is the id';
const WITHIN = 'the object around it already says `load`';

/** A fact of a migration, and where each face shows it. */
export interface Fact {
  /** The fact in words, with its unit. */
  readonly what: string;
  /** Its one name: the end of its path on every face. */
  readonly name: string;
  /** Its path on each face that has it. A metric is named by the rule of docs/reference/facts.md. */
  readonly on: Partial<Readonly<Record<Face, string>>>;
  /** Why a face has another name. */
  readonly except?: Partial<Readonly<Record<Face, string>>>;
  /** Names that it must not have anywhere else. */
  readonly never?: readonly string[];
}

/** The facts that more than one face shows. The order is that of the page. */
export const FACTS: readonly Fact[] = [
  {
    what: 'id of the migration',
    name: 'migrationId',
    on: {
      api: '_id',
      progress: 'mongosyncID',
      sync: 'migrationId',
      hook: 'migrationId',
      log: 'migrationId',
      library: 'migrationId',
      metric: 'linkspan_migration_status{migration}',
    },
    except: { api: ATLAS, progress: MONGOSYNC, metric: LABEL },
    never: ['liveMigrationId', 'migration', 'migration_id'],
  },
  {
    what: 'id of the organization',
    name: 'orgId',
    on: { hook: 'orgId', log: 'orgId', metric: 'linkspan_migration_info{organization}' },
    except: { metric: LABEL },
    never: ['organizationId', 'organization', 'organisationId'],
  },
  {
    what: 'id of the project',
    name: 'groupId',
    on: {
      api: 'linkspan.destination.groupId',
      hook: 'groupId',
      log: 'groupId',
      metric: 'linkspan_migration_info{project}',
    },
    except: { metric: LABEL },
    never: ['projectId', 'project'],
  },
  {
    what: 'source cluster; its name, or its primary where a migration has no names',
    name: 'source',
    on: {
      api: 'linkspan.source',
      progress: 'directionMapping.Source',
      sync: 'addresses.source',
      hook: 'source',
      library: 'addresses.source',
      metric: 'linkspan_migration_info{source}',
    },
    except: { progress: MONGOSYNC },
    never: ['sourceName', 'sourceCluster'],
  },
  {
    what: 'destination cluster; as the source',
    name: 'destination',
    on: {
      api: 'linkspan.destination',
      progress: 'directionMapping.Destination',
      sync: 'addresses.destination',
      hook: 'destination',
      library: 'addresses.destination',
      metric: 'linkspan_migration_info{destination}',
    },
    except: { progress: MONGOSYNC },
    never: ['destinationName', 'destinationCluster', 'target'],
  },
  {
    what: "user's labels",
    name: 'labels',
    on: { api: 'linkspan.labels', hook: 'labels', metric: 'linkspan_migration_label{name}' },
    except: { metric: 'a series for each label, with `name` and `value`' },
    never: ['tags'],
  },
  {
    what: 'status, as Atlas has it',
    name: 'status',
    on: { api: 'status', metric: 'linkspan_migration_status{status}' },
    never: ['migrationStatus'],
  },
  {
    what: 'stage, for people',
    name: 'stage',
    on: { api: 'linkspan.stage', progress: 'linkspan.stage', sync: 'stage' },
    never: ['displayState'],
  },
  {
    what: 'state of the engine',
    name: 'state',
    on: {
      api: 'linkspan.progress.state',
      progress: 'linkspan.state',
      sync: 'state',
      log: 'state',
      library: 'state',
      metric: 'linkspan_migration_state{state}',
    },
    never: ['engineState'],
  },
  {
    what: 'host of the agent that leads it',
    name: 'host',
    on: { api: 'migrationHosts', hook: 'host', log: 'host', metric: 'linkspan_migration_hosts{host}' },
    except: { api: ATLAS },
    never: ['hostname', 'hostName', 'migrationHost'],
  },
  {
    what: 'host that led it before',
    name: 'fromHost',
    on: { api: 'linkspan.takenOver.fromHost', hook: 'fromHost' },
    never: ['formerHost', 'formerMigrationHost'],
  },
  {
    what: 'lag, whole seconds',
    name: 'lagSeconds',
    on: {
      api: 'lagTimeSeconds',
      progress: 'lagTimeSeconds',
      sync: 'lagSeconds',
      library: 'lagSeconds',
      metric: 'linkspan_lag_seconds',
    },
    except: { api: ATLAS, progress: MONGOSYNC },
    never: ['lagMs', 'lagTimeSeconds', 'lag'],
  },
  {
    what: 'time to the end of the copy, seconds',
    name: 'etaSeconds',
    on: {
      api: 'linkspan.progress.etaSeconds',
      progress: 'linkspan.etaSeconds',
      sync: 'etaSeconds',
      library: 'etaSeconds',
      metric: 'linkspan_eta_seconds',
    },
    never: ['etaMs', 'remainingSeconds'],
  },
  {
    what: 'documents copied',
    name: 'documentsCopied',
    on: {
      api: 'linkspan.progress.copy.documentsCopied',
      progress: 'linkspan.copy.documentsCopied',
      sync: 'copy.documentsCopied',
      log: 'documentsCopied',
      library: 'copy.documentsCopied',
      metric: 'linkspan_copied_documents',
    },
    never: ['copiedDocuments', 'docsCopied'],
  },
  {
    what: 'bytes copied',
    name: 'bytesCopied',
    on: {
      api: 'linkspan.progress.copy.bytesCopied',
      progress: 'linkspan.copy.bytesCopied',
      sync: 'copy.bytesCopied',
      log: 'bytesCopied',
      library: 'copy.bytesCopied',
      metric: 'linkspan_copied_bytes',
    },
    never: ['copiedBytes', 'megabytesCopied'],
  },
  {
    what: 'rate, bytes a second',
    name: 'bytesPerSecond',
    on: {
      api: 'linkspan.progress.rates.bytesPerSecond',
      progress: 'linkspan.rates.bytesPerSecond',
      sync: 'bytesPerSecond',
      library: 'rates.bytesPerSecond',
    },
    never: ['bytesPerSec', 'megabytesPerSecond'],
  },
  {
    what: 'time that the oplog leaves, seconds',
    name: 'leftSeconds',
    on: {
      api: 'linkspan.progress.oplog.leftSeconds',
      progress: 'linkspan.oplog.leftSeconds',
      sync: 'oplog.leftSeconds',
      log: 'leftSeconds',
      library: 'oplog.leftSeconds',
      metric: 'linkspan_oplog_headroom_seconds',
    },
    never: ['headroomSeconds', 'leftMs'],
  },
  {
    what: 'documents that differ now',
    name: 'mismatches.open',
    on: {
      api: 'linkspan.progress.verification.mismatches.open',
      progress: 'linkspan.verification.mismatches.open',
      sync: 'verification.mismatches.open',
      library: 'verification.mismatches.open',
      metric: 'linkspan_verification_mismatches{state}',
    },
    except: { metric: 'a series for `open` and one for `settled`' },
    never: ['openMismatches', 'differencesOpen'],
  },
  {
    what: 'when both sides were equal',
    name: 'equalAt',
    on: {
      api: 'linkspan.progress.verification.equalAt',
      progress: 'linkspan.verification.equalAt',
      sync: 'verification.equalAt',
      library: 'verification.equalAt',
      metric: 'linkspan_verified_equal_timestamp_seconds',
    },
    never: ['equalAtMs', 'verifiedEqualAt'],
  },
  {
    what: 'whether a cutover would begin at once',
    name: 'readyForCutover',
    on: {
      api: 'readyForCutover',
      progress: 'canCommit',
      sync: 'readyForCutover',
      library: 'readyForCutover',
      metric: 'linkspan_ready_for_cutover',
    },
    except: { progress: MONGOSYNC },
    never: ['isReady', 'canCutover'],
  },
  {
    what: 'end of the cutover window',
    name: 'cutoverWindowEndsAt',
    on: { api: 'linkspan.cutoverWindowEndsAt', hook: 'cutoverWindowEndsAt' },
    never: ['windowEndsAt', 'windowEndsAtMs'],
  },
  {
    what: 'since when users are blocked',
    name: 'sourceBlockedSince',
    on: {
      api: 'linkspan.sourceBlockedSince',
      progress: 'linkspan.sourceBlockedSince',
      metric: 'linkspan_source_blocked',
    },
    never: ['blockedSince'],
  },
  {
    what: 'how long writes were stopped, milliseconds',
    name: 'stoppedMs',
    on: {
      api: 'linkspan.progress.cutoverAttempts[].stoppedMs',
      progress: 'linkspan.cutoverAttempts[].stoppedMs',
      sync: 'cutoverAttempts[].stoppedMs',
      log: 'stoppedMs',
      library: 'cutoverAttempts[].stoppedMs',
      metric: 'linkspan_write_pause_seconds',
    },
    never: ['pauseMs', 'stoppedSeconds'],
  },
  {
    what: 'cluster that takes the writes of users',
    name: 'activeSide',
    on: { api: 'linkspan.activeSide', hook: 'activeSide' },
    never: ['usersOn'],
  },
  {
    what: 'what it waits for',
    name: 'for',
    on: {
      api: 'linkspan.waiting[].for',
      progress: 'linkspan.waiting[].for',
      sync: 'waiting[].for',
      hook: 'for',
      log: 'for',
      library: 'waiting[].for',
      metric: 'linkspan_waits',
    },
    never: ['waitingFor'],
  },
  {
    what: 'load level, 1 to 4',
    name: 'loadLevel',
    on: { api: 'linkspan.loadLevel', progress: 'linkspan.load.level' },
    except: { progress: WITHIN },
  },
  {
    what: 'limit of the copy, megabytes a second',
    name: 'maxMegabytesPerSecond',
    on: { api: 'linkspan.maxMegabytesPerSecond', progress: 'linkspan.load.maxMegabytesPerSecond' },
    never: ['maxMbPerSecond', 'copyMegabytesPerSecond'],
  },
  {
    what: 'code of the error',
    name: 'error.code',
    on: {
      api: 'linkspan.error.code',
      sync: 'error.code',
      hook: 'error.code',
      log: 'code',
      library: 'error.code',
    },
    except: { log: 'a field of a log line is no object' },
    never: ['errorCode', 'failureCode'],
  },
  {
    what: 'remedy of the error',
    name: 'error.remedy',
    on: { api: 'linkspan.error.remedy', sync: 'error.remedy', hook: 'error.remedy', library: 'error.remedy' },
    never: ['advice', 'errorRemedy'],
  },
];
