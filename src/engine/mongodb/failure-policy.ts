import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
} from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { HistoryWentBack } from './seen-history.ts';
import { ShardRemoved } from './seen-shards.ts';

/**
 * How the engine handles an error of the driver or the server.
 * - `transient`: retry until it succeeds.
 * - `history-lost`: the stream can't resume from its token.
 * - `moved`: the collection no longer has that name.
 * - `fatal`: stop with the error.
 */
export type FailureClass = 'transient' | 'history-lost' | 'moved' | 'fatal';

/**
 * The server interrupted a statement of a batch. No result of the batch can be trusted, so the engine sends it again.
 */
export class BatchInterrupted extends Error {
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.code = code;
  }
}

/** Something else has to end first, and will end by itself. */
export class NotNow extends Error {}

/** Errors about things that no rule knows. A migration that follows waits until users have removed it, or a newer version resumes it. */
const UNKNOWN_THINGS: ReadonlySet<string> = new Set(['UNSUPPORTED_NAMESPACE', 'UNKNOWN_OPERATION']);

/** Runs a read of the source, which fails for now where it meets something that no rule knows. */
export async function untilKnown<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UserError) || !UNKNOWN_THINGS.has(error.code)) throw error;
    throw new NotNow(error.message, { cause: error });
  }
}

/** One error code of the server, and how the engine handles it. */
interface Failure {
  readonly code: number;
  readonly name: string;
  readonly kind: FailureClass;
  /** Advice for the operator, when waiting alone isn't enough. */
  readonly meaning?: string;
}

/**
 * The policy. Every code that isn't listed is `fatal`. docs/operate/faults.md shows the table. All codes of
 * src/mongo/base/error_codes.yml in the source of MongoDB were gone through, as of its commit 007ba934 (master, 2026).
 */
export const FAILURES: readonly Failure[] = [
  // Elections, shutdowns, restarts, and operations that they interrupt.
  { code: 6, name: 'HostUnreachable', kind: 'transient' },
  { code: 7, name: 'HostNotFound', kind: 'transient' },
  { code: 89, name: 'NetworkTimeout', kind: 'transient' },
  { code: 91, name: 'ShutdownInProgress', kind: 'transient' },
  { code: 90, name: 'CallbackCanceled', kind: 'transient' },
  { code: 94, name: 'NotYetInitialized', kind: 'transient' }, // Right after its start.
  { code: 109, name: 'ConfigurationInProgress', kind: 'transient' },
  { code: 133, name: 'FailedToSatisfyReadPreference', kind: 'transient' },
  { code: 189, name: 'PrimarySteppedDown', kind: 'transient' },
  { code: 135, name: 'StaleTerm', kind: 'transient' },
  { code: 202, name: 'NetworkInterfaceExceededTimeLimit', kind: 'transient' },
  { code: 216, name: 'ElectionInProgress', kind: 'transient' },
  { code: 279, name: 'ClientDisconnect', kind: 'transient' },
  { code: 303, name: 'SplitHorizonChange', kind: 'transient' },
  { code: 308, name: 'CurrentConfigNotCommittedYet', kind: 'transient' },
  { code: 355, name: 'InterruptedDueToStorageChange', kind: 'transient' },
  { code: 358, name: 'InternalTransactionNotSupported', kind: 'transient' },
  { code: 10058, name: 'LegacyNotPrimary', kind: 'transient' },
  { code: 10045600, name: 'InterruptedDueToFCVChange', kind: 'transient' },
  // Newer than that commit; the server's own tests retry them as retriable.
  { code: 471, name: 'InterruptedDueToAddShard', kind: 'transient' },
  { code: 479, name: 'IFRFlagRetry', kind: 'transient' },
  { code: 485, name: 'InterruptedDueToTimeseriesUpgradeDowngrade', kind: 'transient' },
  { code: 488, name: 'PrimaryOnlyServiceInitializing', kind: 'transient' },
  { code: 9001, name: 'SocketException', kind: 'transient' },
  { code: 10107, name: 'NotWritablePrimary', kind: 'transient' },
  { code: 11600, name: 'InterruptedAtShutdown', kind: 'transient' },
  { code: 11602, name: 'InterruptedDueToReplStateChange', kind: 'transient' },
  { code: 13435, name: 'NotPrimaryNoSecondaryOk', kind: 'transient' },
  { code: 13436, name: 'NotPrimaryOrSecondary', kind: 'transient' },
  // Lost cursors and sessions: the engine opens new ones.
  { code: 43, name: 'CursorNotFound', kind: 'transient' },
  { code: 143, name: 'CursorInUse', kind: 'transient' },
  { code: 206, name: 'NoSuchSession', kind: 'transient' },
  { code: 251, name: 'NoSuchTransaction', kind: 'transient' },
  { code: 46841, name: 'ClientMarkedKilled', kind: 'transient' },
  { code: 237, name: 'CursorKilled', kind: 'transient' },
  { code: 11601, name: 'Interrupted', kind: 'transient' }, // After killOp and killAllSessions.
  { code: 234, name: 'RetryChangeStream', kind: 'transient' },
  { code: 175, name: 'QueryPlanKilled', kind: 'transient' }, // The catalog shows what happened to the collection.
  // Timeouts, locks, and other temporary obstacles.
  { code: 24, name: 'LockTimeout', kind: 'transient' },
  { code: 46, name: 'LockBusy', kind: 'transient' },
  {
    code: 50,
    name: 'MaxTimeMSExpired',
    kind: 'transient',
    meaning: 'its time limit is over; a cluster may limit reads (defaultMaxTimeMS)',
  },
  // rule: retry-lock-failed
  { code: 107, name: 'LockFailed', kind: 'transient' }, // A note in the oplog waits only 1 ms for the global lock.
  { code: 64, name: 'WriteConcernFailed', kind: 'transient' },
  { code: 112, name: 'WriteConflict', kind: 'transient' },
  { code: 117, name: 'ConflictingOperationInProgress', kind: 'transient' },
  { code: 134, name: 'ReadConcernMajorityNotAvailableYet', kind: 'transient' },
  { code: 215, name: 'DatabaseDropPending', kind: 'transient' },
  { code: 221, name: 'IndexModified', kind: 'transient' },
  { code: 246, name: 'SnapshotUnavailable', kind: 'transient' },
  { code: 262, name: 'ExceededTimeLimit', kind: 'transient' },
  { code: 276, name: 'IndexBuildAborted', kind: 'transient' },
  { code: 290, name: 'TransactionExceededLifetimeLimitSeconds', kind: 'transient' },
  { code: 267, name: 'PreparedTransactionInProgress', kind: 'transient' },
  { code: 285, name: 'IndexBuildAlreadyInProgress', kind: 'transient' },
  { code: 363, name: 'RetryableTransactionInProgress', kind: 'transient' },
  { code: 412, name: 'UpdatesStillPending', kind: 'transient' },
  { code: 50915, name: 'BackupCursorOpenConflictWithCheckpoint', kind: 'transient' },
  { code: 314, name: 'ObjectIsBusy', kind: 'transient' },
  { code: 12586, name: 'BackgroundOperationInProgressForDatabase', kind: 'transient' },
  { code: 12587, name: 'BackgroundOperationInProgressForNamespace', kind: 'transient' }, // An index build holds the name.
  // rule: retry-full-cache
  { code: 365, name: 'TemporarilyUnavailable', kind: 'transient', meaning: 'its cache is full' },
  { code: 388, name: 'TransactionTooLargeForCache', kind: 'transient', meaning: 'its cache is full' },
  // Overload.
  { code: 208, name: 'TooManyLocks', kind: 'transient', meaning: 'it is overloaded' },
  { code: 261, name: 'TooManyLogicalSessions', kind: 'transient', meaning: 'it has too many sessions' },
  { code: 264, name: 'TooManyFilesOpen', kind: 'transient', meaning: 'it has too many open files' },
  { code: 402, name: 'ResourceExhausted', kind: 'transient', meaning: 'it is overloaded' },
  { code: 407, name: 'PooledConnectionAcquisitionExceededTimeLimit', kind: 'transient', meaning: 'it is overloaded' },
  { code: 433, name: 'AdmissionQueueOverflow', kind: 'transient', meaning: 'it is overloaded' },
  { code: 449, name: 'RateLimitExceeded', kind: 'transient', meaning: 'it is overloaded' },
  { code: 450, name: 'PooledConnectionAcquisitionRejected', kind: 'transient', meaning: 'it is overloaded' },
  { code: 462, name: 'IngressRequestRateLimitExceeded', kind: 'transient', meaning: 'it is overloaded' },
  // Routers report these.
  { code: 145, name: 'PooledConnectionsDropped', kind: 'transient' },
  { code: 149, name: 'NoConfigPrimary', kind: 'transient' },
  { code: 199, name: 'ReplicaSetMonitorRemoved', kind: 'transient' },
  { code: 203, name: 'ShardingStateNotInitialized', kind: 'transient' },
  { code: 228, name: 'SessionTransferIncomplete', kind: 'transient' },
  { code: 230, name: 'DNSHostNotFound', kind: 'transient' },
  { code: 342, name: 'ReshardingCriticalSectionTimeout', kind: 'transient' },
  { code: 343, name: 'ShardCannotRefreshDueToLocksHeld', kind: 'transient' },
  { code: 406, name: 'MigrationBlockingOperationCoordinatorCleaningUp', kind: 'transient' },
  { code: 453, name: 'InterruptedDueToReshardingCriticalSection', kind: 'transient' },
  { code: 56846, name: 'ConfigServerUnreachable', kind: 'transient' },
  { code: 91331, name: 'RetriableRemoteCommandFailure', kind: 'transient' },
  { code: 70, name: 'ShardNotFound', kind: 'transient' }, // A shard was removed meanwhile.
  // A router gave up after several attempts: chunks moved, or a collection was resharded, while it asked the shards.
  { code: 150, name: 'StaleEpoch', kind: 'transient' },
  { code: 249, name: 'StaleDbVersion', kind: 'transient' },
  { code: 250, name: 'StaleChunkHistory', kind: 'transient' },
  { code: 272, name: 'MigrationConflict', kind: 'transient' },
  { code: 319, name: 'MovePrimaryInProgress', kind: 'transient' },
  { code: 338, name: 'ReshardCollectionInProgress', kind: 'transient' },
  { code: 414, name: 'AddOrRemoveShardInProgress', kind: 'transient' },
  { code: 13388, name: 'StaleConfig', kind: 'transient' },
  // Disk space.
  { code: 14031, name: 'OutOfDiskSpace', kind: 'transient', meaning: 'it is out of space' },
  // The stream's history is lost (docs/reference/pitfalls.md#pitfall-2).
  { code: 136, name: 'CappedPositionLost', kind: 'history-lost' },
  { code: 280, name: 'ChangeStreamFatalError', kind: 'history-lost' },
  { code: 286, name: 'ChangeStreamHistoryLost', kind: 'history-lost' },
  { code: 40576, name: 'resume of change stream was not possible', kind: 'history-lost' },
  // Every read and write names the collection's UUID.
  { code: 361, name: 'CollectionUUIDMismatch', kind: 'moved' },
];

/** The highest of the consecutive codes that were gone through. */
const LAST_DECIDED = 462;
/** Codes beyond it that were decided, too: each has the same cause at each try. */
const LATER_DECIDED: ReadonlySet<unknown> = new Set([
  10_003, 10_334, 11_000, 13_113, 13_297, 28_769, 31_082, 40_413, 40_414, 40_415, 50_768, 57_986, 640_570, 640_571,
  1_003_141, 4_662_500, 4_938_500, 9_737_301, 9_751_901, 9_751_902, 9_751_903, 10_171_600,
]);
/** InternalError, UnknownError, OperationFailed, CommandFailed and BrokenPromise: they don't say what happened. */
const GENERIC: ReadonlySet<unknown> = new Set([1, 8, 96, 125, 245]);

const BY_CODE: ReadonlyMap<unknown, Failure> = new Map(FAILURES.map((failure) => [failure.code, failure]));

/** Servers and services report a full disk with several codes, some of them generic. */
const NO_ROOM = /no space left on device|over your space quota/i;

/** Socket errors that the driver passes on unchanged. */
const OF_SOCKETS: ReadonlySet<unknown> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_SOCKET_CLOSED',
]);

/**
 * The driver's errors for a server that was removed from the replica set, as when members are renamed. A retry finds
 * another one.
 */
const OF_FORMER_MEMBERS: ReadonlySet<string> = new Set(['MongoPoolClosedError', 'MongoServerClosedError']);

/** Labels with which a server reports that it did nothing and accepts a retry. */
const TRY_AGAIN = ['RetryableWriteError', 'SystemOverloadedError', 'ResetPool'];

/** Classifies a server's error for a command, or for one of its statements. */
export function classifyReply({ code, errmsg }: { readonly code?: unknown; readonly errmsg?: string }): FailureClass {
  const known = BY_CODE.get(code);
  if (known !== undefined) return known.kind;
  return NO_ROOM.test(errmsg ?? '') ? 'transient' : 'fatal';
}

/** Classifies any error that a command threw. */
export function classify(error: unknown): FailureClass {
  // rule: repeat-unsatisfied-write-concern
  if (error instanceof BatchInterrupted || error instanceof MongoWriteConcernError) return 'transient';
  if (error instanceof NotNow) return 'transient';
  if (error instanceof HistoryWentBack || error instanceof ShardRemoved) return 'history-lost';
  if (error instanceof UserError && error.definition.retry === 'transient') return 'transient';
  // The driver wraps the error that ended a bulk write.
  if (error instanceof MongoBulkWriteError && error.errorResponse instanceof Error)
    return classify(error.errorResponse);
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return 'transient';
  if (error instanceof MongoError && OF_FORMER_MEMBERS.has(error.name)) return 'transient';
  if (error instanceof Error && 'code' in error && OF_SOCKETS.has(error.code)) return 'transient';
  const known =
    error instanceof MongoServerError ? classifyReply({ code: error.code, errmsg: error.message }) : 'fatal';
  if (known !== 'fatal' || !(error instanceof MongoError)) return known;
  return TRY_AGAIN.some((label) => error.hasErrorLabel(label)) ? 'transient' : 'fatal';
}

/**
 * Whether no rule knows a server's error: it says nothing about its cause, or a newer server has given it a code. One without a
 * name, as of an assertion in the server's source (`Location51091`), is no such error.
 */
export function isUnknown(error: unknown): boolean {
  if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') return false;
  const { code, codeName } = error;
  if (GENERIC.has(code)) return true;
  return Number(code) > LAST_DECIDED && !LATER_DECIDED.has(code) && !/^Location/.test(codeName ?? 'Location');
}

/**
 * Whether an error concerns one collection only. That collection waits until a user resolves it; all others continue.
 */
export function concernsOneCollection(error: unknown): error is UserError {
  return error instanceof UserError && error.definition.scope === 'collection';
}

/** Returns the reason of a wait, for the operator. */
export function reasonOf(error: unknown): string {
  const message = messageOf(error);
  const code = error instanceof BatchInterrupted || error instanceof MongoServerError ? error.code : undefined;
  const meaning = NO_ROOM.test(message) ? 'it is out of space' : BY_CODE.get(code)?.meaning;
  return meaning === undefined ? message : `${meaning} (${message})`;
}
