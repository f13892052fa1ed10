import {
  areReady,
  dateOf,
  dateOrNull,
  type Left,
  type Progress,
  type RepairsProgress,
  refusalsOf,
  type Wait,
} from '../../contract/index.ts';
import { counted, UserError } from '../../platform/index.ts';
import { lateAccountsWarning } from '../accounts/late-accounts.ts';
import { expireAfterSeconds, type IndexSpec, isUnique } from '../catalog/index-spec.ts';
import { modernisedWarnings } from '../catalog/legacy-index.ts';
import { indexesLeftWarning } from '../cutover/indexes-left.ts';
import { writtenAfterCommitWarning } from '../cutover/watch-after-commit.ts';
import { latestBulkReader } from '../mongodb/bulk-reads.ts';
import { compressionOf } from '../mongodb/compression.ts';
import { describeWait } from '../mongodb/retry.ts';
import { LIFT_COMMAND } from '../mongodb/write-block.ts';
import type { CutoverRecord } from '../records/records.ts';
import type { MigrationOptions } from '../scope/options.ts';
import { cutoverReport } from './cutover-report.ts';
import { notYetRunning } from './not-yet-running.ts';
import { gatesOf } from './readiness.ts';
import { readinessFacts } from './readiness-facts.ts';
import type { RunView } from './run-view.ts';
import { verificationProgress } from './verification-progress.ts';
import { waitsOf } from './waits.ts';

/** Returns the progress of a migration that waits before it can run. */
export function beforeRun(options: MigrationOptions, waiting: readonly Wait[] = []): Progress {
  return { ...notYetRunning(options), warnings: waiting.map(describeWait), waiting };
}

/** Returns the current state of a run. Reports zeros until the checkpoint is loaded. */
export function snapshot(run: RunView, options: MigrationOptions): Progress {
  const { context, log, follower } = run;
  if (!run.loaded) {
    const { failure } = run;
    return { ...beforeRun(options, waitsOf(context)), ...(failure && { state: 'FAILED', error: failure }) };
  }
  const { counters } = context;
  const collections = [...context.tracked.values()];
  const done = collections.filter(({ isDone }) => isDone);
  const sum = (pick: (collection: (typeof collections)[number]) => number, of = collections) =>
    of.reduce((total, collection) => total + pick(collection), 0);
  const { state, phases, cutover, error, lateAccounts = [] } = log.record;
  const following = state === 'COPYING' || state === 'FOLLOWING' || state === 'COMMITTING';
  // After the end, the last measurement says nothing about the migration.
  const oplog = following || state === 'PAUSED' ? follower?.oplog : undefined;
  const indexWarnings = collections.flatMap(({ namespace, indexes }) =>
    modernisedWarnings(namespace, indexes).map(({ message }) => message),
  );
  const keptAccounts = context.movesAccounts && context.accounts.kept ? [context.accounts.kept.message] : [];
  const repairs = repairsOf(run);
  const waiting = [...waitsOf(context), ...(run.attempts.wait === undefined ? [] : [run.attempts.wait])];
  const written = cutover?.writtenAfterCommit;
  const verification = verificationProgress(options.verification ?? 'REPAIR', follower?.verification, {
    collections,
    documentsRechecked: counters.rechecked,
    provenAt: follower?.provenAt,
    cappedUncertain: cutover?.evidence?.cappedUncertain ?? [],
    rates: run.speed.verificationRates,
  });
  const eta = run.speed.etaSeconds;
  const reader = latestBulkReader(context.source);
  const readiness = gatesOf(
    readinessFacts(run, {
      copy: state === 'COPYING' ? eta : null,
      documents: verification.etaSeconds,
      lag: state === 'FOLLOWING' ? eta : null,
    }),
  );
  const progress: Progress = {
    migrationId: options.migrationId,
    state,
    since: dateOrNull(log.record.stateAtMs ?? null),
    phases,
    ...(run.resumedFrom && { resumedFrom: run.resumedFrom }),
    copy: {
      collectionsTotal: collections.length,
      collectionsDone: done.length,
      collectionsQuarantined: collections.filter(({ stuck, missing }) => stuck !== undefined || missing !== undefined)
        .length,
      documentsTotal: sum(({ total }) => total.documents),
      documentsCopied: sum(({ copied }) => copied.documents),
      bytesTotal: sum(({ total }) => total.bytes),
      bytesCopied: sum(({ copied }) => copied.bytes),
      partitionsTotal: sum(({ copied }) => copied.partitions),
      partitionsDone: sum(({ copied }) => copied.partitionsDone),
      restarts: counters.restarts,
    },
    indexes: {
      total: sum(({ indexes }) => indexes.length),
      built: sum(({ indexes }) => indexes.length, done),
      building: following ? run.indexBuilds.current : null,
    },
    rates: run.speed.rates,
    ...(following && run.time.shares && { timeShares: run.time.shares }),
    etaSeconds: following ? eta : null,
    changes: {
      read: counters.read,
      applied: counters.applied,
      duringCopy: counters.duringCopy,
      queued: follower?.queued ?? 0,
    },
    lagSeconds: following ? (follower?.lag.lagSeconds ?? null) : null,
    oplog: oplog?.headroom ?? null,
    ...(oplog?.shards && { shards: oplog.shards }),
    verification,
    repairs,
    readiness,
    readyForCutover: areReady(readiness),
    notReadyReasons: refusalsOf(readiness),
    canWrite: cutover?.canWriteAtMs !== undefined,
    ...(cutover === undefined
      ? {}
      : {
          cutover: {
            requestedAt: dateOf(cutover.requestedAtMs),
            blocking: cutover.blocking,
            ...(log.commitWasSent && cutover.blocking && !cutover.committed && { commitSent: true }),
            attempts: cutover.attempts,
            ...(cutover.sourceBlockedAtMs !== undefined && { sourceBlockedAt: dateOf(cutover.sourceBlockedAtMs) }),
            ...(cutover.canWriteAtMs !== undefined && { canWriteAt: dateOf(cutover.canWriteAtMs) }),
            ...startOfWatch(cutover, log.record.sourceId),
            ...(written && { writtenAfterCommit: written }),
            ...(cutover.watch && { watch: cutover.watch }),
          },
        }),
    cutoverAttempts: run.attempts.timeline.attempts,
    pingMs: { source: run.pings.source, destination: run.pings.destination },
    ...compression(context),
    addresses: run.addresses,
    ...(reader !== undefined && reader !== 'primary' && { secondary: reader }),
    // The preflight's warnings, and later ones.
    warnings: [
      ...new Set([
        ...run.findings.all.map(({ message }) => message),
        ...run.warnings,
        ...indexWarnings,
        ...keptAccounts,
        ...(oplog?.warnings ?? []),
        ...(following ? (follower?.unstreamed.warnings ?? []) : []),
        ...verificationWarnings(run, following),
        ...repairWarnings(repairs),
        ...(following && reader === 'primary' ? [new UserError('SECONDARIES_UNUSED').message] : []),
        ...(written === undefined ? [] : [writtenAfterCommitWarning(written).message]),
        ...(lateAccounts.length === 0 ? [] : [lateAccountsWarning(lateAccounts).message]),
        ...(cutover?.indexesLeft ? [indexesLeftWarning(cutover.indexesLeft).message] : []),
        ...commitWarnings(run, waiting),
        ...waiting.map(describeWait),
      ]),
    ],
    findings: run.findings.all,
    waiting,
    ...(state === 'FAILED' || state === 'CANCELLED' ? { left: leftBy(run) } : {}),
    // A migration that is cancelled after it has failed keeps its failure on record.
    ...(state === 'FAILED' && error !== undefined ? { error } : {}),
  };
  if (!cutover?.committed) return progress;
  const { evidence } = cutover;
  const nowMs = context.clock.now();
  return { ...progress, cutoverReport: cutoverReport(progress, { options, collections, evidence, nowMs }) };
}

function compression(clusters: RunView['context']): Pick<Progress, 'compression'> {
  const [source, destination] = [compressionOf(clusters.source), compressionOf(clusters.destination)];
  if (source === undefined && destination === undefined) return {};
  return { compression: { ...(source && { source }), ...(destination && { destination }) } };
}

function repairsOf({ context, log }: RunView): RepairsProgress | null {
  if (log.record.repairs === undefined) return null;
  const { atMs, ...repairs } = log.record.repairs;
  const suspect = [...context.tracked.values()].filter(({ suspicion }) => suspicion !== null).length;
  return {
    ...repairs,
    at: dateOf(atMs),
    collectionsDone: Math.max(0, repairs.collections - suspect),
    documentsCompared: context.counters.compared,
    keysDiffered: context.counters.differed,
  };
}

/** After the commit the warnings that it was recorded with stay: they limit what the cutover's report proves. */
function verificationWarnings({ log, follower }: RunView, following: boolean): readonly string[] {
  const { cutover } = log.record;
  // rule: warnings-after-commit
  if (cutover?.committed) return cutover.evidence?.warnings ?? [];
  return following ? (follower?.verification.external.warnings ?? []) : [];
}

function repairWarnings(repairs: RepairsProgress | null): string[] {
  if (repairs === null || repairs.collectionsDone === repairs.collections) return [];
  const { at, collections, collectionsDone, keysDiffered, reason } = repairs;
  return [
    `Changes of the source were missed, noticed at ${at} (${reason}). Repaired so far: ` +
      `${collectionsDone} of ${counted(collections, 'collection')}, with ${counted(keysDiffered, 'document')} that differed.`,
  ];
}

/** While it is unknown whether the commit succeeded, only the destination knows which side takes writes. */
function commitWarnings({ log }: RunView, waiting: readonly Wait[]): string[] {
  const { cutover } = log.record;
  if (!log.commitWasSent || cutover === undefined || cutover.committed || waiting.length === 0) return [];
  const since = new Date(cutover.sourceBlockedAtMs ?? cutover.requestedAtMs).toISOString();
  return [
    `The commit of the cutover was sent, and the destination has not acknowledged it. The source refuses writes since ${since}, until the ` +
      `destination answers. If the destination is lost permanently, run on the source: ${LIFT_COMMAND}`,
  ];
}

function leftBy({ context, log }: RunView): Left {
  const made = [...context.tracked.values()].filter(({ destinationUuid }) => destinationUuid !== null);
  const isWeakened = (spec: IndexSpec) => isUnique(spec) || expireAfterSeconds(spec) !== undefined;
  return {
    collections: made.length,
    views: context.views.databases.reduce((sum, database) => sum + context.views.of(database).size, 0),
    weakenedIndexes: made.reduce((sum, { indexes }) => sum + indexes.filter(isWeakened).length, 0),
    ...context.accounts.made,
    blocked: (log.record.blocksDestination ?? false) && log.record.cutover?.canWriteAtMs === undefined,
  };
}

/** A reversible migration writes to its old source itself, and so sees writes of other clients there. */
function startOfWatch(
  { committed, blocking, drainedTo, reverseFrom, accounts, rawData }: CutoverRecord,
  sourceId: string,
): Pick<NonNullable<Progress['cutover']>, 'watchStart'> {
  if (!committed || !blocking || drainedTo === undefined || reverseFrom !== undefined) return {};
  return {
    watchStart: { token: drainedTo._data, sourceId, ...(accounts && { accounts }), ...(rawData && { rawData }) },
  };
}
