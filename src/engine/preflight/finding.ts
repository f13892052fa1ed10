import type { Finding } from '../../contract/index.ts';
import { type ErrorCode, redact, UserError } from '../../platform/index.ts';

/** All codes of findings. docs/plan/plan-a-migration.md has a row for each. */
export const FINDING_CODES = [
  'INVALID_CONNECTION_STRING',
  'WEAK_CONNECTION_OPTION',
  'CA_FILE_UNUSABLE',
  'TLS_FAILED',
  'SOURCE_UNREACHABLE',
  'DESTINATION_UNREACHABLE',
  'WRONG_REPLICA_SET',
  'REPLICA_SET_NOT_INITIATED',
  'AUTHENTICATION_FAILED',
  'AUTHENTICATION_REQUIRED',
  'CONNECTION_NOT_ENCRYPTED',
  'STANDALONE_SERVER',
  'SHARDED_CLUSTER',
  'SHARDED_SOURCE_EXPERIMENTAL',
  'SHARD_OPLOGS_UNSEEN',
  'CONFIG_SHARD',
  'SHARDED_BLOCK_WAITS',
  'RESHARDING_UNDER_WAY',
  'EQUAL_IDS',
  'VERSION_TOO_OLD',
  'VERSION_TOO_NEW',
  'DESTINATION_OLDER',
  'SAME_CLUSTER',
  'MISSING_PRIVILEGE',
  'INVALID_FILTER',
  'FILTER_MATCHES_NOTHING',
  'PATTERN_MATCHES_NOTHING',
  'INVALID_DOCUMENT_FILTER',
  'INVALID_REMAP',
  'CHECKPOINT_OF_OTHER_VERSION',
  'ENGINE_RUNNING',
  'ACCOUNTS_NEED_WHOLE',
  'ACCOUNTS_KEPT',
  'USERS_STAY',
  'UNSUPPORTED_NAMESPACE',
  'INDEX_MODERNISED',
  'INDEXES_AT_LIMIT',
  'RECOVERY_MAY_FAIL',
  'DOCUMENTS_NEAR_LIMIT',
  'NAMESPACE_CONFLICT',
  'NAMESPACE_EXISTS',
  'DESTINATION_NOT_EMPTY',
  'DESTINATION_IN_USE',
  'DESTINATION_PRIMARY',
  'DESTINATION_TAKEN',
  'DESTINATION_KEPT',
  'DESTINATION_UNPROTECTED',
  'DISK_TOO_SMALL',
  'DISK_TIGHT',
  'OPLOG_SHORT',
  'UNSTREAMED_WRITES_UNSEEN',
  'REVERSE_IMPOSSIBLE',
  'SOURCE_NOT_BLOCKED',
  'PART_NOT_BLOCKED',
  'USERS_BYPASS_BLOCK',
  'WRITES_BLOCKED',
  'BLOCK_OWNER_UNSEEN',
  'TABLE_SCANS_REFUSED',
  'VERSION_NOT_TRIED',
  'FILE_LIMIT_LOW',
  'PROFILER_ON',
  'INDEX_FILTERS_LEFT',
  'SEARCH_INDEXES_LEFT',
  'QUERY_SETTINGS_LEFT',
  'CLUSTER_PARAMETERS_LEFT',
  'WRITE_CONCERNS_LEFT',
  'MEMBER_TAGS_LEFT',
  'DEFAULT_CONCERNS_DIFFER',
  'RANDOM_IDS',
  'HOST_BUSY',
  'CLOCKS_DIFFER',
  'CHECK_FAILED',
  'CHECK_INCOMPLETE',
  'FINDINGS_LEFT_OUT',
] as const satisfies readonly ErrorCode[];

/** The reason for an incomplete check. */
export const NO_TIME = 'there was no time left';

/** The result of a check: a filled-in entry of the catalogue, and its namespace when it concerns one. */
export interface Found {
  readonly error: UserError;
  readonly namespace?: string;
}

export function found(
  code: (typeof FINDING_CODES)[number],
  parameters: readonly string[] = [],
  namespace?: string,
): Found {
  return { error: new UserError(code, parameters), ...(namespace === undefined ? {} : { namespace }) };
}

/** Returns an error as data. A catalogue entry without an error status doesn't stop a migration. */
export function findingOf(error: UserError, namespace?: string): Finding {
  const { code, remedy } = error;
  const { concerns, severity } = error.definition;
  const message = redact(error.message);
  return {
    severity,
    code,
    message,
    remedy,
    ...(namespace === undefined ? {} : { namespace }),
    ...(concerns === undefined ? {} : { concerns }),
  };
}
