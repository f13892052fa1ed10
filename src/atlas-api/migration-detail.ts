import { z } from 'zod';
import type { MigrationView } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';
import { findingSchema, showFinding } from './finding.ts';

const count = z.int().nonnegative();
const rate = z.number().nullable();
const date = z.iso.datetime();

/** What the engine tells of its work. An agent of another version may tell less: then nothing is shown. */
const waitSchema = z.object({ for: z.string(), since: date, reason: z.string() });

const engineProgress = z.object({
  phase: z
    .enum(['created', 'preparing', 'copying', 'tailing', 'paused', 'committing', 'committed', 'cancelled', 'failed'])
    .meta({ description: '`tailing`: everything is copied, and changes are followed.' }),
  since: date.optional().meta({ description: 'When it entered this phase.' }),
  phases: z.array(z.object({ name: z.string(), startedAt: date, endedAt: date.optional() })),
  resumedFrom: z
    .object({ phase: z.string(), savedAt: date.nullable(), documentsCopied: count, bytesCopied: count })
    .optional()
    .meta({ description: 'The checkpoint from which its agent last went on.' }),
  copy: z.object({
    collectionsTotal: count,
    collectionsDone: count,
    documentsTotal: count,
    documentsCopied: count,
    bytesTotal: count,
    bytesCopied: count,
    partitionsTotal: count.optional(),
    partitionsDone: count.optional(),
    restarts: count
      .optional()
      .meta({ description: 'So often the numbers have grown smaller: collections were dropped, or are copied anew.' }),
  }),
  indexes: z.object({
    total: count,
    built: count,
    building: z.array(z.object({ namespace: z.string(), done: count, total: count })).nullish(),
  }),
  rates: z
    .object({ bytesPerSecond: rate, documentsPerSecond: rate, changesPerSecond: rate })
    .optional()
    .meta({ description: 'Over the last minute.' }),
  etaSeconds: count
    .nullish()
    .meta({ description: 'Until everything is copied, or the destination has caught up; null where nobody can say.' }),
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
        'What a cancelled or failed migration leaves on the destination, beside `linkspan_internal`; `linkspan cleanup` has the names.',
    }),
  changes: z.object({ read: count, applied: count, queued: count }),
  oplog: z
    .object({ windowSeconds: count, leftSeconds: count, headroomPercent: count })
    .nullish()
    .meta({ description: "How far the source's oplog reaches, and what is left of it before changes would be lost." }),
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
        'After changes of the source were missed, because its oplog lost them or no change stream shows them: how far the collections concerned are compared and repaired.',
    }),
  canWrite: z.boolean().meta({ description: 'Whether applications may write to the destination.' }),
  notReadyReasons: z.array(z.string()).meta({ description: 'Why it is not ready for cutover.' }),
  warnings: z.array(z.string()),
  waiting: z
    .array(waitSchema)
    .default([])
    .meta({ description: 'What it cannot go on without at the moment. It goes on by itself once that is there.' }),
});

/** What Linkspan knows of a migration beyond Atlas's fields. */
export const migrationDetail = z
  .object({
    wanted: z.enum(['running', 'paused', 'cutover', 'cancelled']).meta({ description: 'What the operator asked for.' }),
    loadLevel: z.literal([1, 2, 3, 4]).meta({ description: 'How hard the initial copy may work; 3 by default.' }),
    maxMegabytesPerSecond: z.number().nullable().meta({ description: 'Upper limit of the initial copy.' }),
    dropsConfirmed: z.boolean().meta({ description: "Whether the source's drops are followed whatever they take." }),
    cutoverWindowEndsAt: date.nullable().meta({
      description: 'Until when it can be cut over: 120 h after it was first ready, unless extended.',
    }),
    sourceBlockedSince: date.optional().meta({
      description:
        "Since when the source's users cannot write, or may not be able to, by the agent's last report: it was about to block them, or had. Absent while they can.",
    }),
    createdAt: date,
    updatedAt: date,
    endedAt: date.nullable(),
    agent: z
      .object({
        status: z
          .enum(['CONNECTED', 'LOST'])
          .meta({ description: 'LOST when the agent has been silent for 25 seconds.' }),
        lastSeen: date.nullable().meta({ description: 'When the agent last reported.' }),
      })
      .nullable()
      .meta({ description: 'Null once the migration has ended.' }),
    waiting: z.array(waitSchema).meta({
      description: 'Why it stands still, its agent and the destination user included; empty while it moves.',
    }),
    findings: z.array(findingSchema).meta({ description: "Warnings of the migration's own preflight." }),
    progress: engineProgress.nullable().meta({ description: 'As its agent reported it last.' }),
  })
  .meta({ id: 'LinkspanMigrationDetail', 'x-linkspan-extension': true });

/** What says nothing of a migration that has ended. */
const OF_THE_MOMENT: ReadonlySet<string> = new Set(['HOST_BUSY', 'OPLOG_SHORT']);

export function showDetail(view: MigrationView): z.output<typeof migrationDetail> {
  const { state, progress, contact, waits, createdAtMs, updatedAtMs } = view;
  const shown = progress && {
    ...progress,
    phase: progress.state,
    // An agent of an older version says nothing of them.
    repairs: progress.repairs && { ...progress.repairs, at: atlasDate(progress.repairs.atMs) },
    ...(progress.sinceMs == null ? {} : { since: atlasDate(progress.sinceMs) }),
    phases: progress.phases.map(({ name, startedAtMs, endedAtMs }) => ({
      name,
      startedAt: atlasDate(startedAtMs),
      ...(endedAtMs === undefined ? {} : { endedAt: atlasDate(endedAtMs) }),
    })),
    ...(progress.resumedFrom && { resumedFrom: showResumed(progress.resumedFrom) }),
    waiting: progress.waiting?.map(showWait),
  };
  const blockedSinceMs = progress?.cutover?.blocking ? (progress.cutover.sourceBlockedAtMs ?? progress.sinceMs) : null;
  const hasEnded = state.endedAtMs !== null;
  return {
    wanted: state.wanted,
    loadLevel: state.loadLevel,
    maxMegabytesPerSecond: state.copyMegabytesPerSecond ?? null,
    dropsConfirmed: state.dropsConfirmed ?? false,
    cutoverWindowEndsAt: dateOrNull(state.windowEndsAtMs),
    ...(blockedSinceMs == null ? {} : { sourceBlockedSince: atlasDate(blockedSinceMs) }),
    createdAt: atlasDate(createdAtMs),
    updatedAt: atlasDate(updatedAtMs),
    endedAt: dateOrNull(state.endedAtMs),
    agent: contact && { status: contact.status, lastSeen: dateOrNull(contact.lastReportAtMs) },
    waiting: waits.map(showWait),
    // Records of earlier versions have none.
    findings: (progress?.findings ?? []).filter(({ code }) => !hasEnded || !OF_THE_MOMENT.has(code)).map(showFinding),
    progress: engineProgress.nullable().safeParse(shown).data ?? null,
  };
}

type Resumed = NonNullable<NonNullable<MigrationView['progress']>['resumedFrom']>;

function showResumed({ state, savedAtMs, documentsCopied, bytesCopied }: Resumed) {
  return { phase: state, savedAt: dateOrNull(savedAtMs), documentsCopied, bytesCopied };
}

function showWait({ for: what, sinceMs, reason }: MigrationView['waits'][number]): z.output<typeof waitSchema> {
  return { for: what, since: atlasDate(sinceMs), reason };
}

function dateOrNull(ms: number | null): string | null {
  return ms === null ? null : atlasDate(ms);
}
