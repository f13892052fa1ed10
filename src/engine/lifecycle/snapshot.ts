import { modernisedWarnings } from '../catalog/legacy-index.ts';
import { describeWait } from '../cluster/retry.ts';
import type { MigrationRun } from './migration-run.ts';
import type { MigrationOptions } from './options.ts';
import type { Progress, RepairsProgress } from './progress.ts';
import { waitsOf } from './waits.ts';

/** Progress of a migration that this process has not begun to run. */
export function notYetRunning(options: MigrationOptions): Progress {
  return {
    migrationId: options.migrationId,
    state: 'created',
    phases: [],
    copy: {
      collectionsTotal: 0,
      collectionsDone: 0,
      documentsTotal: 0,
      documentsCopied: 0,
      bytesTotal: 0,
      bytesCopied: 0,
    },
    indexes: { total: 0, built: 0 },
    changes: { read: 0, applied: 0, duringCopy: 0, queued: 0 },
    lagSeconds: null,
    oplog: null,
    repairs: null,
    readyForCutover: false,
    notReadyReasons: ['it is not running'],
    canWrite: false,
    pingMs: { source: null, destination: null },
    addresses: { source: '', destination: '' },
    warnings: [],
    waiting: [],
  };
}

/** Where a run stands now. */
export function snapshot(run: MigrationRun, options: MigrationOptions): Progress {
  const { context, log, follower } = run;
  const { counters } = context;
  const collections = [...context.tracked.values()];
  // One that is set aside was done before, and no count goes back.
  const done = collections.filter(({ state, stuck }) => state === 'live' || (state === 'indexing' && stuck));
  const sum = (pick: (collection: (typeof collections)[number]) => number, of = collections) =>
    of.reduce((total, collection) => total + pick(collection), 0);
  const { state, phases, cutover, error } = log.record;
  const following = state === 'copying' || state === 'tailing' || state === 'committing';
  // What was seen of it last says nothing of a migration that has ended.
  const oplog = following || state === 'paused' ? follower?.oplog : undefined;
  const indexWarnings = collections.flatMap(({ namespace, indexes }) =>
    modernisedWarnings(namespace, indexes).map(({ message }) => message),
  );
  const keptAccounts = context.movesAccounts && context.accounts.kept ? [context.accounts.kept.message] : [];
  const repairs = repairsOf(run);
  const waiting = waitsOf(context);
  const reasons = state === 'tailing' ? run.notReadyReasons : [`it is ${state}`];
  return {
    migrationId: options.migrationId,
    state,
    phases,
    copy: {
      collectionsTotal: collections.length,
      collectionsDone: done.length,
      documentsTotal: Math.max(
        sum(({ documents }) => documents),
        counters.documentsCopied,
      ),
      documentsCopied: counters.documentsCopied,
      bytesTotal: Math.max(
        sum(({ bytes }) => bytes),
        counters.bytesCopied,
      ),
      bytesCopied: counters.bytesCopied,
    },
    indexes: { total: sum(({ indexes }) => indexes.length), built: sum(({ indexes }) => indexes.length, done) },
    changes: {
      read: counters.read,
      applied: counters.applied,
      duringCopy: counters.duringCopy,
      queued: follower?.queued ?? 0,
    },
    lagSeconds: following ? (follower?.lagSeconds ?? null) : null,
    oplog: oplog?.headroom ?? null,
    repairs,
    readyForCutover: reasons.length === 0,
    notReadyReasons: reasons,
    canWrite: cutover?.canWriteAtMs !== undefined,
    ...(cutover === undefined
      ? {}
      : {
          cutover: {
            requestedAtMs: cutover.requestedAtMs,
            sourceBlockedAtMs: cutover.sourceBlockedAtMs,
            canWriteAtMs: cutover.canWriteAtMs,
          },
        }),
    pingMs: { source: run.pings.source, destination: run.pings.destination },
    addresses: run.addresses,
    // What preflight has seen, and what came later.
    warnings: [
      ...new Set([
        ...run.warnings,
        ...indexWarnings,
        ...keptAccounts,
        ...(oplog?.warnings ?? []),
        ...repairWarnings(repairs),
        ...waiting.map(describeWait),
      ]),
    ],
    waiting,
    ...(error === undefined ? {} : { error }),
  };
}

function repairsOf({ context, log }: MigrationRun): RepairsProgress | null {
  const { repairs } = log.record;
  if (repairs === undefined) return null;
  const suspect = [...context.tracked.values()].filter(({ suspicion }) => suspicion !== null).length;
  return {
    ...repairs,
    collectionsDone: Math.max(0, repairs.collections - suspect),
    documentsCompared: context.counters.compared,
    keysDiffered: context.counters.differed,
  };
}

function repairWarnings(repairs: RepairsProgress | null): string[] {
  if (repairs === null || repairs.collectionsDone === repairs.collections) return [];
  const { atMs, collections, collectionsDone, keysDiffered, reason } = repairs;
  return [
    `The source lost changes before they were taken, noticed at ${new Date(atMs).toISOString()} (${reason}). ${collectionsDone} of the ` +
      `${collections} collections concerned are repaired, with ${keysDiffered} documents that differed.`,
  ];
}
