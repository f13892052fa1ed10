import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb';

/**
 * What to do about an error of the driver or the server (live-migration §6.9).
 * `transient`: do it again, for a long time. `history-lost`: the stream can't go on from its token. `moved`: the collection is no
 * longer under that name. `fatal`: stop with the error.
 */
export type FailureClass = 'transient' | 'history-lost' | 'moved' | 'fatal';

/** A write concern that was not met: nothing about the batch may be believed, it is sent again [8]. */
export class WriteConcernFailure extends Error {}

const BY_CODE: ReadonlyMap<number, FailureClass> = new Map([
  // Elections, shutdowns and what they interrupt.
  [6, 'transient'], // HostUnreachable
  [7, 'transient'], // HostNotFound
  [24, 'transient'], // LockTimeout
  [43, 'transient'], // CursorNotFound: open a new one [33]
  [46, 'transient'], // LockBusy
  [50, 'transient'], // MaxTimeMSExpired [45]
  [63, 'transient'], // StaleShardVersion
  [64, 'transient'], // WriteConcernFailed
  [89, 'transient'], // NetworkTimeout
  [91, 'transient'], // ShutdownInProgress
  [112, 'transient'], // WriteConflict
  [117, 'transient'], // ConflictingOperationInProgress
  [134, 'transient'], // ReadConcernMajorityNotAvailableYet
  [189, 'transient'], // PrimarySteppedDown
  [202, 'transient'], // NetworkInterfaceExceededTimeLimit
  [206, 'transient'], // NoSuchSession
  [215, 'transient'], // DatabaseDropPending [39]
  [237, 'transient'], // CursorKilled
  [246, 'transient'], // SnapshotUnavailable
  [262, 'transient'], // ExceededTimeLimit
  [269, 'transient'], // NotPrimaryOrSecondary (interrupted)
  [276, 'transient'], // IndexBuildAborted
  [290, 'transient'], // TransactionExceededLifetimeLimitSeconds
  [314, 'transient'], // ObjectIsBusy
  [384, 'transient'], // ConnectionPoolExpired
  [10107, 'transient'], // NotWritablePrimary
  [11600, 'transient'], // InterruptedAtShutdown
  [11602, 'transient'], // InterruptedDueToReplStateChange
  [12586, 'transient'], // BackgroundOperationInProgressForDatabase
  [12587, 'transient'], // BackgroundOperationInProgressForNamespace: an index build holds the name
  [13388, 'transient'], // StaleConfig
  [13435, 'transient'], // NotPrimaryNoSecondaryOk
  [13436, 'transient'], // NotPrimaryOrSecondary
  [175, 'transient'], // QueryPlanKilled: the catalog says what became of the collection [38]
  // The stream's history [2].
  [136, 'history-lost'], // CappedPositionLost
  [280, 'history-lost'], // ChangeStreamFatalError
  [286, 'history-lost'], // ChangeStreamHistoryLost
  [40576, 'history-lost'], // resume of change stream was not possible
  // Every read and write names the collection's UUID.
  [361, 'moved'], // CollectionUUIDMismatch
]);

/** Classifies a server's error code. */
export function classifyCode(code: unknown): FailureClass {
  return (typeof code === 'number' ? BY_CODE.get(code) : undefined) ?? 'fatal';
}

/** Classifies anything that a command threw. */
export function classify(error: unknown): FailureClass {
  if (error instanceof WriteConcernFailure) return 'transient';
  // The driver wraps what ended a bulk write.
  if (error instanceof MongoBulkWriteError && error.errorResponse instanceof Error)
    return classify(error.errorResponse);
  if (error instanceof MongoServerError) {
    const known = classifyCode(error.code);
    return known === 'fatal' && error.hasErrorLabel('RetryableWriteError') ? 'transient' : known;
  }
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return 'transient';
  return error instanceof MongoError && error.hasErrorLabel('ResetPool') ? 'transient' : 'fatal';
}
