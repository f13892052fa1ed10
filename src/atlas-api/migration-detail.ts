import { z } from 'zod';
import type { MigrationView } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';
import { GATE_GROUPS, GATE_STATES, showGates } from '../platform/index.ts';
import { cutoverAttempt, showAttempt } from './cutover-attempt.ts';
import { findingSchema, showFinding } from './finding.ts';
import { mismatchSchema, showMismatch } from './mismatch.ts';
import { oplogSchema, shardSchema } from './shard-figures.ts';
import { timeShares } from './time-shares.ts';
import { showWayBack, wayBackFields } from './way-back.ts';

const count = z.int().nonnegative();
const rate = z.number().nullable();
const date = z.iso.datetime();

const waitSchema = z.object({ for: z.string(), since: date, reason: z.string() });

const verificationSchema = z.object({
  mode: z
    .enum(['repair', 'report', 'off'])
    .meta({ description: "`repair`, `report` or `off`, by the agent's configuration." }),
  phase: z.enum(['off', 'waiting', 'comparing', 'following']).meta({
    description:
      '`off`; `waiting`: no collection is copied and indexed; `comparing`: some collections are not compared as a whole; ' +
      '`following`: everything was compared once, and each changed document is compared again after its last change.',
  }),
  collectionsTotal: count,
  collectionsDone: count,
  documentsTotal: count.meta({ description: 'An estimate until all collections are compared.' }),
  documentsCompared: count,
  bytesTotal: count,
  bytesCompared: count,
  documentsRechecked: count.meta({
    description: 'Comparisons of documents after their last change.',
  }),
  waiting: count.meta({ description: 'Documents that changed or differed, and must still be compared.' }),
  mismatches: z.object({
    found: count.meta({ description: 'Documents that differed although no change explains it.' }),
    open: count.meta({ description: 'How many of them still differ.' }),
    latest: z.array(mismatchSchema),
  }),
  equalAt: date
    .nullable()
    .optional()
    .meta({
      description:
        "The source's cluster time at which the destination is proven equal. Null while something is not compared, or differs. " +
        'Absent if the agent does not report it.',
    }),
  catalogDifferences: z.array(z.string()).nullable().meta({
    description: 'The first differences of collections, options, views and indexes; null before they were compared.',
  }),
  catalogDifferencesFound: count
    .nullable()
    .optional()
    .meta({ description: 'How many differences there are. Absent if the agent does not report it.' }),
  foreignWrites: count.meta({ description: 'Documents that others wrote on the destination.' }),
  seesForeignWrites: z
    .boolean()
    .optional()
    .meta({
      description:
        "False while the destination's oplog can't be read: writes of others then stay unseen once a collection is compared. " +
        'Absent if the agent does not report it.',
    }),
  cappedCollections: count.optional().meta({
    description:
      'Capped collections. Only the comparison in the write pause counts for them. Absent if the agent does not report it.',
  }),
  cappedUncertain: z
    .array(z.string())
    .optional()
    .meta({
      description:
        'Capped collections that changed or differed when they were last compared before the commit, so that they may differ. ' +
        'Absent if the agent does not report it.',
    }),
  documentsPerSecond: rate,
  bytesPerSecond: rate,
  etaSeconds: count.nullable(),
});

const pings = z
  .object({ source: rate, destination: rate })
  .meta({ description: 'Milliseconds that each cluster takes to answer a ping of the agent; null if unknown.' });

/** The engine's progress. If an agent of another version reports less, the API shows null. */
const engineProgress = z.object({
  phase: z
    .enum(['created', 'preparing', 'copying', 'tailing', 'paused', 'committing', 'committed', 'cancelled', 'failed'])
    .meta({ description: '`tailing`: the copy is complete, and the engine applies changes.' }),
  since: date.optional().meta({ description: 'When this phase started.' }),
  phases: z.array(z.object({ name: z.string(), startedAt: date, endedAt: date.optional() })),
  resumedFrom: z
    .object({ phase: z.string(), savedAt: date.nullable(), documentsCopied: count, bytesCopied: count })
    .optional()
    .meta({ description: 'The checkpoint from which the agent last resumed.' }),
  copy: z.object({
    collectionsTotal: count,
    collectionsDone: count,
    documentsTotal: count,
    documentsCopied: count,
    bytesTotal: count,
    bytesCopied: count,
    partitionsTotal: count.optional(),
    partitionsDone: count.optional(),
    restarts: count.optional().meta({
      description: 'How often the numbers above decreased, because collections were dropped or copied again.',
    }),
  }),
  indexes: z.object({
    total: count,
    built: count,
    building: z.array(z.object({ namespace: z.string(), done: count, total: count })).nullish(),
  }),
  rates: z
    .object({ bytesPerSecond: rate, documentsPerSecond: rate, changesPerSecond: rate })
    .optional()
    .meta({ description: 'Averages over the last minute.' }),
  timeShares: timeShares.optional().catch(undefined),
  pingMs: pings.optional().catch(undefined),
  etaSeconds: count.nullish().meta({
    description: 'Seconds until the copy is complete, or until the destination has caught up; null if unknown.',
  }),
  left: z
    .object({
      collections: count,
      views: count,
      weakenedIndexes: count,
      users: count.optional(),
      roles: count.optional(),
      blocked: z.boolean(),
    })
    .optional()
    .meta({
      description:
        'Leftovers of a cancelled or failed migration on the destination, other than `linkspan_internal`; `linkspan cleanup` lists the names.',
    }),
  changes: z.object({ read: count, applied: count, queued: count }),
  oplog: oplogSchema.nullish().meta({
    description:
      "The time that the source's oplog covers, and how much of it is left before changes are lost. Of a sharded source the smallest figures of all shards, and null unless all are known.",
  }),
  shards: z.array(shardSchema).optional().catch(undefined).meta({
    description: 'The shards of a sharded source, as they answer the agent directly. Absent for a replica set.',
  }),
  verification: verificationSchema
    .optional()
    .catch(undefined)
    .meta({ description: 'How far source and destination are compared. Absent if the agent does not report it.' }),
  repairs: z
    .object({
      declared: count,
      at: date,
      reason: z.string(),
      collections: count,
      collectionsDone: count,
      documentsCompared: count,
      keysDiffered: count,
    })
    .nullish()
    .meta({
      description:
        'Progress of comparing and repairing collections, after the oplog lost changes of the source or no change stream showed them.',
    }),
  canWrite: z.boolean().meta({ description: 'Whether applications may write to the destination.' }),
  cutoverAttempts: z
    .array(cutoverAttempt)
    .default([])
    .meta({ description: 'The last attempts to cut over, with the time that each step took.' }),
  notReadyReasons: z.array(z.string()).meta({ description: 'Why the migration is not ready for cutover.' }),
  warnings: z.array(z.string()),
  waiting: z
    .array(waitSchema)
    .default([])
    .meta({ description: 'Reasons why the engine waits. It continues by itself when they are gone.' }),
});

const gateSchema = z.object({
  name: z.string().meta({ description: 'Its stable name. docs/reference/readiness.md lists all.' }),
  group: z.enum(GATE_GROUPS),
  title: z.string().meta({ description: 'What is true once it is passed.' }),
  state: z.enum(GATE_STATES).meta({
    description:
      '`passed`; `waiting`: it passes by itself; `blocked`: somebody has to act; `unknown`: not measured, or not any more; ' +
      '`skipped`: it does not apply to this migration.',
  }),
  refuses: z.boolean().meta({ description: 'Whether a cutover is refused until it is passed. The others are advice.' }),
  value: z.number().nullable(),
  limit: z.number().nullable(),
  unit: z.string().nullable().meta({ description: 'The unit of value and limit.' }),
  reasons: z.array(z.string()).meta({ description: 'Why it is not passed.' }),
  action: z.string().meta({ description: 'What to do while it is not passed.' }),
  measuredAt: date.nullable().meta({ description: 'When it was measured.' }),
  etaSeconds: z.number().nullable().meta({ description: 'Estimated time until it passes.' }),
});

const namedCluster = z.object({ groupId: z.string(), clusterName: z.string() });

/** Schema of Linkspan's own fields of a migration. */
export const migrationDetail = z
  .object({
    source: namedCluster.meta({
      description: 'The cluster that the migration was created from; also after a reversal.',
    }),
    destination: namedCluster.meta({
      description: 'The cluster that the migration was created to, as it was named when it was registered.',
    }),
    wanted: z.enum(['running', 'paused', 'cutover', 'cancelled']).meta({ description: "The operator's last request." }),
    loadLevel: z.literal([1, 2, 3, 4]).meta({ description: 'How much load the initial copy may cause; 3 by default.' }),
    maxMegabytesPerSecond: z
      .number()
      .nullable()
      .meta({ description: 'Rate limit of the initial copy; null for none.' }),
    dropsConfirmed: z
      .boolean()
      .meta({ description: 'Whether a user confirmed drops, so that the engine applies all of them.' }),
    cutoverWindowEndsAt: date.nullable().meta({
      description: 'End of the cutover window: 120 h after the migration was first ready, unless extended.',
    }),
    sourceBlockedSince: date.optional().meta({
      description:
        "Since when the source blocks or may block user writes, by the agent's last report. Absent while users can write. After a reversal it is about the side from which users move.",
    }),
    cutoverRequestedAt: date.optional().meta({ description: 'When a user requested the cutover.' }),
    cutoverAbort: z
      .object({
        requestedAt: date,
        isDone: z.boolean().meta({ description: 'Whether the source is open, and no commit can follow any more.' }),
      })
      .optional()
      .meta({ description: 'The last abort of a cutover that a user requested.' }),
    rehearsal: z
      .int()
      .optional()
      .meta({ description: 'The name of the last rehearsal that a user requested. `cutoverAttempts` has its result.' }),
    ...wayBackFields,
    createdAt: date,
    updatedAt: date,
    endedAt: date.nullable(),
    agent: z
      .object({
        status: z.enum(['CONNECTED', 'RESUMING', 'LOST']).meta({
          description:
            'LOST if the agent has not reported for 25 seconds, or reports, and has left out this migration for as long. ' +
            'RESUMING for at most 25 seconds after such a silence of the agent, until it reports this migration.',
        }),
        lastSeen: date.nullable().meta({
          description:
            'When the agent last reported; when it last reported this migration, if it has left that out since.',
        }),
      })
      .nullable()
      .meta({ description: 'Null after the migration has ended.' }),
    waiting: z.array(waitSchema).meta({
      description:
        'Reasons why the migration waits, including its agent and its destination user; empty while it makes progress.',
    }),
    readiness: z.array(gateSchema).meta({
      description:
        'What the cutover depends on, as a checklist. `readyForCutover` follows from it. Empty once the migration has ended.',
    }),
    sourceWatch: z
      .object({
        until: date,
        watchedTo: date.meta({ description: "The source's cluster time up to which every change is known." }),
        changes: count.meta({ description: 'Writes to the source after the commit. They are on the source only.' }),
        namespaces: z.array(z.string()),
        ended: z.string().nullable().meta({
          description: 'Null while it goes on; `over`: its time is over, and nothing was missed; else why it ended.',
        }),
      })
      .optional()
      .meta({
        description:
          'The watch of a source that stays blocked after the commit, for writes of users who bypass the block. Absent without one.',
      }),
    problems: z.array(z.object({ code: z.string(), message: z.string(), remedy: z.string() })).meta({
      description:
        'What has gone wrong since the cutover, the worst first: both sides differed, users wrote to the source, or the way back has failed. ' +
        'Empty before the cutover, and while nothing has.',
    }),
    warnings: z.array(z.string()).meta({
      description:
        "Warnings of the control plane: the cutover window ends soon, or a hook fails. The agent's are in `progress`.",
    }),
    findings: z.array(findingSchema).meta({ description: "Warnings of the migration's preflight." }),
    progress: engineProgress.nullable().meta({ description: 'The last report of the agent.' }),
  })
  .meta({ id: 'LinkspanMigrationDetail', 'x-linkspan-extension': true });

/** Findings about a moment: they no longer apply to a migration that has ended. */
const OF_THE_MOMENT: ReadonlySet<string> = new Set(['HOST_BUSY', 'OPLOG_SHORT']);

/** @param destinationName  the registered name of the destination */
export function showDetail(view: MigrationView, destinationName: string): z.output<typeof migrationDetail> {
  const { state, progress, contact, waits, gates, problems, warnings, createdAtMs, updatedAtMs } = view;
  const shown = progress && {
    ...progress,
    phase: progress.state,
    verification: progress.verification && showVerification(progress.verification),
    // An agent of an older version doesn't report repairs.
    repairs: progress.repairs && { ...progress.repairs, at: atlasDate(progress.repairs.atMs) },
    ...(progress.sinceMs == null ? {} : { since: atlasDate(progress.sinceMs) }),
    phases: progress.phases.map(({ name, startedAtMs, endedAtMs }) => ({
      name,
      startedAt: atlasDate(startedAtMs),
      ...(endedAtMs === undefined ? {} : { endedAt: atlasDate(endedAtMs) }),
    })),
    ...(progress.resumedFrom && { resumedFrom: showResumed(progress.resumedFrom) }),
    waiting: progress.waiting?.map(showWait),
    cutoverAttempts: progress.cutoverAttempts?.map(showAttempt),
  };
  const blockedSinceMs = progress?.cutover?.blocking ? (progress.cutover.sourceBlockedAtMs ?? progress.sinceMs) : null;
  const hasEnded = state.endedAtMs !== null;
  return {
    source: { groupId: view.sourceGroupId, clusterName: view.sourceClusterName },
    destination: { groupId: view.groupId, clusterName: destinationName },
    wanted: state.wanted,
    loadLevel: state.loadLevel,
    maxMegabytesPerSecond: state.copyMegabytesPerSecond ?? null,
    dropsConfirmed: state.dropsConfirmed != null,
    cutoverWindowEndsAt: dateOrNull(state.windowEndsAtMs),
    ...(blockedSinceMs == null ? {} : { sourceBlockedSince: atlasDate(blockedSinceMs) }),
    ...(state.cutoverRequestedAtMs === undefined ? {} : { cutoverRequestedAt: atlasDate(state.cutoverRequestedAtMs) }),
    ...(state.cutoverAborted === undefined
      ? {}
      : {
          cutoverAbort: {
            requestedAt: atlasDate(state.cutoverAborted),
            isDone: progress?.cutoverAborted === state.cutoverAborted,
          },
        }),
    ...(state.rehearsal === undefined ? {} : { rehearsal: state.rehearsal }),
    ...showWayBack(view),
    createdAt: atlasDate(createdAtMs),
    updatedAt: atlasDate(updatedAtMs),
    endedAt: dateOrNull(state.endedAtMs),
    agent: contact && { status: contact.status, lastSeen: dateOrNull(contact.lastReportAtMs) },
    waiting: waits.map(showWait),
    readiness: showGates(gates),
    ...(state.sourceWatch && { sourceWatch: showWatch(state.sourceWatch) }),
    problems: [...problems],
    warnings: [...warnings],
    // Records of earlier versions have no findings.
    findings: (progress?.findings ?? []).filter(({ code }) => !hasEnded || !OF_THE_MOMENT.has(code)).map(showFinding),
    progress: engineProgress.nullable().safeParse(shown).data ?? null,
  };
}

type Verification = NonNullable<MigrationView['progress']>['verification'];

/** Agents of earlier versions don't report `equalAtMs`. */
type ReportedVerification = Omit<Verification, 'equalAtMs'> & Partial<Pick<Verification, 'equalAtMs'>>;

function showVerification({ mismatches, equalAtMs, ...verification }: ReportedVerification) {
  const latest = mismatches.latest.map(showMismatch);
  return {
    ...verification,
    ...(equalAtMs === undefined ? {} : { equalAt: dateOrNull(equalAtMs) }),
    mismatches: { ...mismatches, latest },
  };
}

type Resumed = NonNullable<NonNullable<MigrationView['progress']>['resumedFrom']>;

function showResumed({ state, savedAtMs, documentsCopied, bytesCopied }: Resumed) {
  return { phase: state, savedAt: dateOrNull(savedAtMs), documentsCopied, bytesCopied };
}

type SourceWatch = NonNullable<MigrationView['state']['sourceWatch']>;

function showWatch({ untilMs, watchedToMs, changes, namespaces, ended }: SourceWatch) {
  const [until, watchedTo] = [atlasDate(untilMs), atlasDate(watchedToMs)];
  return { until, watchedTo, changes, namespaces: [...namespaces], ended: ended ?? null };
}

function showWait({ for: what, sinceMs, reason }: MigrationView['waits'][number]): z.output<typeof waitSchema> {
  return { for: what, since: atlasDate(sinceMs), reason };
}

function dateOrNull(ms: number | null): string | null {
  return ms === null ? null : atlasDate(ms);
}
