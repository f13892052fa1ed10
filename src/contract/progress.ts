import { z } from 'zod';
import { compression } from './compression.ts';
import { cutoverAttempt } from './cutover-attempt.ts';
import { cutoverReport } from './cutover-report.ts';
import { errorData } from './error-data.ts';
import { finding } from './finding.ts';
import { gate } from './gate.ts';
import { oplog, shard } from './oplog.ts';
import { phaseName } from './phase-name.ts';
import { count, date, figure, listOf } from './primitives.ts';
import { sourceWatch, watchStart } from './source-watch.ts';
import { timeShares } from './time-shares.ts';
import { verificationProgress } from './verification-progress.ts';
import { wait } from './wait.ts';

/** All states of a migration. */
export const MIGRATION_STATES = [
  'CREATED',
  'PREPARING',
  'COPYING',
  'FOLLOWING',
  'PAUSED',
  'COMMITTING',
  'COMMITTED',
  'CANCELLED',
  'FAILED',
] as const;

/** The state of a migration's engine. */
export const migrationState = z.enum(MIGRATION_STATES).meta({
  description:
    '`CREATED`: the engine has not loaded its records, so all figures are 0; `COPYING` includes index builds of copied collections; ' +
    '`FOLLOWING`: everything is copied, and changes are applied.',
});

/** How long a migration was in a state. */
export const phaseTime = z.object({
  name: phaseName,
  startedAt: date,
  endedAt: date.optional().meta({ description: 'Absent while the phase lasts.' }),
});

const resumedFrom = z.object({
  state: migrationState,
  savedAt: date.nullable().meta({ description: "By the destination's clock." }),
  documentsCopied: count,
  bytesCopied: count,
});

/** Estimates are the source's statistics, raised when exceeded. For a filtered collection, its copy counts the matching documents. */
const copy = z.object({
  collectionsTotal: count,
  collectionsDone: count,
  collectionsQuarantined: count.meta({
    description: 'Collections that wait for a reason of their own, which `waiting` names, while all others continue.',
  }),
  documentsTotal: count,
  documentsCopied: count,
  bytesTotal: count,
  bytesCopied: count,
  partitionsTotal: count.meta({ description: 'Ranges of `_id`, for collections whose copy has begun.' }),
  partitionsDone: count,
  restarts: count.meta({
    description: 'How often the numbers above decreased, because collections were dropped or copied again.',
  }),
});

/** Keys in an index so far, or documents read for it, as the server counts. */
const indexBuild = z.object({ namespace: z.string(), done: count, total: count });

const indexes = z.object({
  total: count,
  built: count,
  building: listOf(indexBuild).nullable().meta({
    description:
      "The destination's current index builds: keys in the index so far, or documents read for it, as the server counts. Null while there are none, or when the user may not ask.",
  }),
});

const repairs = z.object({
  declared: count.meta({ description: 'How often history was lost.' }),
  at: date,
  reason: z.string(),
  collections: count.meta({ description: 'Collections that became suspect the last time.' }),
  collectionsDone: count,
  documentsCompared: count,
  keysDiffered: count,
});

/** The counts of things that a cancelled or failed migration has left on the destination. */
export const left = z.object({
  collections: count,
  views: count,
  weakenedIndexes: count.meta({
    description: 'Indexes that are unique or expire documents on the source and not here.',
  }),
  users: count,
  roles: count,
  blocked: z.boolean().meta({ description: "Whether users can't write there." }),
});

const cutover = z.object({
  requestedAt: date,
  blocking: z.boolean().meta({
    description: "Whether the source's write block is set or about to be. After the point of no return it stays.",
  }),
  commitSent: z.boolean().optional().meta({
    description: 'Whether the commit was sent and the destination has not answered: it may have the commit.',
  }),
  attempts: count.optional().meta({ description: "How often users' writes were stopped, or were about to be." }),
  sourceBlockedAt: date.optional(),
  canWriteAt: date.optional(),
  watchStart: watchStart.optional().meta({
    description: 'After the commit, of a source that stays blocked: later writes are on the source only.',
  }),
  writtenAfterCommit: z
    .object({ count, namespaces: z.string() })
    .optional()
    .meta({ description: 'Changes of the source after the commit that are known of.' }),
  watch: sourceWatch.optional().meta({ description: 'Where an earlier process left the watch of the source.' }),
});

/**
 * A snapshot of a migration. In one process, counts never decrease once the state isn't `CREATED`, except after a
 * declared restart. There is one more exception: when the source drops an index, or a collection before its copy began,
 * the counts of finished work decrease without a restart.
 */
export const progress = z.object({
  migrationId: z.string(),
  state: migrationState,
  since: date.nullable().meta({ description: 'When it entered this state; null before the first.' }),
  phases: listOf(phaseTime),
  resumedFrom: resumedFrom
    .optional()
    .meta({ description: 'The checkpoint from which this process resumed the migration.' }),
  copy,
  indexes,
  rates: z
    .object({ bytesPerSecond: figure, documentsPerSecond: figure, changesPerSecond: figure })
    .meta({ description: 'Averages over the last minute; null before enough was measured.' }),
  timeShares: timeShares.optional(),
  etaSeconds: figure.meta({
    description: 'Seconds until the copy is complete, or until the destination has caught up; null if unknown.',
  }),
  changes: z.object({
    read: count.meta({ description: 'Changes of documents read from the stream.' }),
    applied: count.meta({ description: 'Changes of documents written to the destination.' }),
    duringCopy: count.meta({ description: 'Changes among `read` in a range that was being copied at that moment.' }),
    queued: count.meta({ description: 'Changed keys that wait to be applied.' }),
  }),
  lagSeconds: figure.meta({
    description:
      'Whole seconds behind the source, by cluster time; null before the stream is open, while paused, and after the end.',
  }),
  oplog: oplog.nullable().meta({
    description:
      "The time that the source's oplog covers, and how much of it is left before changes are lost. Of a sharded source the smallest figures of all shards, and null unless all are known.",
  }),
  shards: listOf(shard).optional().meta({
    description:
      'The shards of a sharded source, the one that was added first at the beginning. Absent for a replica set.',
  }),
  verification: verificationProgress,
  repairs: repairs.nullable().meta({
    description:
      'Progress of comparing and repairing collections, after the oplog lost changes of the source or no change stream showed them.',
  }),
  readiness: listOf(gate).meta({ description: 'What the cutover depends on. `readyForCutover` follows from it.' }),
  readyForCutover: z.boolean().meta({ description: 'Whether a cutover requested now would begin at once.' }),
  notReadyReasons: listOf(z.string()).meta({ description: 'Why the migration is not ready for cutover.' }),
  canWrite: z.boolean().meta({ description: 'Whether applications may write to the destination.' }),
  cutover: cutover.optional(),
  cutoverAttempts: listOf(cutoverAttempt).meta({
    description: 'The last attempts to cut over, with the time that each step took; empty before a cutover was wanted.',
  }),
  cutoverAborted: count.optional().meta({
    description: 'The last abort of a cutover that the agent has carried out. The engine itself reports none.',
  }),
  cutoverReport: cutoverReport.optional().meta({ description: 'Of the cutover, from its point of no return on.' }),
  pingMs: z
    .object({ source: figure, destination: figure })
    .meta({ description: 'Milliseconds that each cluster takes to answer a ping; null if unknown.' }),
  compression: compression
    .optional()
    .meta({ description: 'The clusters to which messages are compressed now; absent while there are none.' }),
  addresses: z
    .object({ source: z.string(), destination: z.string() })
    .meta({ description: 'host:port of the primaries; empty while unknown.' }),
  secondary: z.string().optional().meta({
    description: 'host:port of the secondary of the source that documents are read from; absent while the primary is.',
  }),
  warnings: listOf(z.string()),
  findings: listOf(finding).meta({
    description: "Warnings of the migration's own preflight; `warnings` has their messages, too.",
  }),
  waiting: listOf(wait).meta({ description: 'What it waits for now; empty while it makes progress.' }),
  left: left.optional().meta({
    description:
      'Leftovers of a cancelled or failed migration on the destination, other than `linkspan_internal`; `linkspan cleanup` lists the names.',
  }),
  error: errorData.optional().meta({ description: 'The error of a failed migration.' }),
});

/** Fields that clients of an API find elsewhere in its answer, and those that only Linkspan itself needs. */
const NOT_SHOWN = {
  migrationId: true,
  lagSeconds: true,
  readiness: true,
  readyForCutover: true,
  cutover: true,
  cutoverAborted: true,
  cutoverReport: true,
  addresses: true,
  findings: true,
  error: true,
} as const;

/** A snapshot as the APIs show it. */
export const shownProgress = progress.omit(NOT_SHOWN);

/** Returns a snapshot as the APIs show it. */
export function showProgress(whole: Progress): ShownProgress {
  const shown = Object.entries(whole).filter(([name]) => !Object.hasOwn(NOT_SHOWN, name));
  return Object.fromEntries(shown) as ShownProgress;
}

export type IndexBuild = z.output<typeof indexBuild>;
export type MigrationState = z.output<typeof migrationState>;
export type PhaseTime = z.output<typeof phaseTime>;
export type ResumedFrom = z.output<typeof resumedFrom>;
export type RepairsProgress = z.output<typeof repairs>;
export type Left = z.output<typeof left>;
export type Progress = z.output<typeof progress>;
export type ShownProgress = z.output<typeof shownProgress>;
