import { z } from 'zod';
import type { Progress } from '../engine/index.ts';
import { cutoverReport, GATE_STATES } from '../platform/index.ts';
import { printable, reportList, reportText } from './report-text.ts';
import { reportedFinding } from './reported-finding.ts';
import { resumeToken } from './source-watch.ts';

const count = z.number().nonnegative();
/** Milliseconds since the epoch, within the range of a Date. */
const time = z.number().min(0).max(8_640_000_000_000_000);
const figure = z.number().nullable();
const share = z.number().min(0).max(1);

/** Figures that an agent of another version may report in another form. Invalid figures are ignored; the rest of the report counts. */
const figures = <Shape extends z.core.$ZodShape>(shape: Shape) => z.looseObject(shape).optional().catch(undefined);

/** A cluster time: seconds, and the number within the second. */
const clusterTime = z.looseObject({ t: count, i: count });

const reportedOplog = z.looseObject({
  windowSeconds: figure,
  leftSeconds: figure,
  headroomPercent: figure,
  shard: reportText.optional(),
});

const reportedGate = z.looseObject({
  name: reportText,
  state: z.enum(GATE_STATES),
  value: figure,
  limit: figure,
  reasons: reportList(reportText),
  measuredAtMs: time.nullable(),
  etaSeconds: figure,
});

/** A document that differs, or differed. */
export const reportedMismatch = z.looseObject({
  namespace: reportText,
  key: reportText,
  class: reportText,
  path: reportText.nullable(),
  firstSeenMs: time,
  times: count,
  sourceTime: clusterTime,
  destinationTime: clusterTime,
  foreign: z.boolean(),
  open: z.boolean(),
});

const reportedAttempt = z.looseObject({
  number: count,
  rehearsal: count.optional(),
  startedAtMs: time,
  steps: reportList(
    z.looseObject({
      name: reportText,
      startedAtMs: time,
      durationMs: count.optional(),
      reason: reportText,
      counts: z.record(reportText, count).optional(),
    }),
  ),
  result: reportText.optional(),
  reason: reportText.optional(),
  stoppedMs: count.optional(),
  wouldStopMs: count.optional(),
});

/**
 * An engine's progress in an agent's report. An agent may be compromised, so this schema checks the type and the limits of every field
 * that is read or shown. Fields of later versions stay unchanged.
 */
export const reportedProgress: z.ZodType<Progress> = z
  .looseObject({
    migrationId: reportText,
    state: z.enum([
      'created',
      'preparing',
      'copying',
      'tailing',
      'paused',
      'committing',
      'committed',
      'cancelled',
      'failed',
    ]),
    sinceMs: time.nullable(),
    phases: reportList(z.looseObject({ name: reportText, startedAtMs: time, endedAtMs: time.optional() })),
    resumedFrom: figures({
      state: reportText,
      savedAtMs: time.nullable(),
      documentsCopied: count,
      bytesCopied: count,
    }),
    copy: figures({
      collectionsTotal: count,
      collectionsDone: count,
      documentsTotal: count,
      documentsCopied: count,
      bytesTotal: count,
      bytesCopied: count,
      partitionsTotal: count,
      partitionsDone: count,
      restarts: count,
    }),
    indexes: figures({
      total: count,
      built: count,
      building: reportList(z.looseObject({ namespace: reportText, done: count, total: count })).nullable(),
    }),
    rates: figures({ bytesPerSecond: figure, documentsPerSecond: figure, changesPerSecond: figure }),
    // Agents of earlier versions don't measure it.
    timeShares: figures({
      seconds: count,
      sourceRead: share,
      engine: share,
      destinationWrite: share,
      throttled: share,
      memory: share,
      idle: share,
    }),
    etaSeconds: figure,
    changes: figures({ read: count, applied: count, duringCopy: count, queued: count }),
    lagSeconds: figure,
    oplog: reportedOplog.nullable(),
    // Only of a sharded source, and not from agents of earlier versions.
    shards: reportList(
      z.looseObject({
        shard: reportText,
        whyUnknown: reportText.nullable(),
        oplog: reportedOplog.nullable(),
        rates: z
          .looseObject({ writesPerSecond: figure, readsPerSecond: figure, oplogBytesPerSecond: figure })
          .nullable(),
        pingMs: figure,
      }),
    )
      .optional()
      .catch(undefined),
    // Agents of earlier versions don't verify, or report less of it.
    verification: figures({
      mode: reportText,
      phase: reportText,
      collectionsTotal: count,
      collectionsDone: count,
      documentsTotal: count,
      documentsCompared: count,
      bytesTotal: count,
      bytesCompared: count,
      documentsRechecked: count,
      waiting: count,
      mismatches: z.looseObject({ found: count, open: count, latest: reportList(reportedMismatch) }),
      equalAtMs: time.nullable().optional(),
      catalogDifferences: reportList(reportText).nullable(),
      catalogDifferencesFound: figure.optional(),
      seesForeignWrites: z.boolean().optional(),
      cappedCollections: count.optional(),
      cappedUncertain: reportList(reportText).optional(),
      foreignWrites: count,
      documentsPerSecond: figure,
      bytesPerSecond: figure,
      etaSeconds: figure,
    }),
    repairs: z
      .looseObject({
        declared: count,
        atMs: time,
        reason: reportText,
        collections: count,
        collectionsDone: count,
        documentsCompared: count,
        keysDiffered: count,
      })
      .nullable(),
    // Agents of earlier versions don't report gates.
    readiness: reportList(reportedGate).default([]).catch([]),
    readyForCutover: z.boolean(),
    notReadyReasons: reportList(reportText),
    canWrite: z.boolean(),
    cutover: z
      .looseObject({
        requestedAtMs: time,
        blocking: z.boolean(),
        // Agents of earlier versions don't report it.
        commitSent: z.boolean().optional(),
        sourceBlockedAtMs: time.optional(),
        canWriteAtMs: time.optional(),
        // A token in another form is ignored; the rest of the report counts.
        watchedFrom: resumeToken.optional().catch(undefined),
        watchedId: reportText.optional().catch(undefined),
      })
      .optional(),
    // Agents of earlier versions don't report it.
    cutoverAttempts: reportList(reportedAttempt).catch([]),
    cutoverAborted: count.optional(),
    cutoverReport: z
      .unknown()
      .transform((value) => printable(value))
      .pipe(cutoverReport.optional())
      .optional()
      .catch(undefined),
    pingMs: figures({ source: figure, destination: figure }),
    addresses: figures({ source: reportText, destination: reportText }),
    warnings: reportList(reportText),
    // Agents of earlier versions don't report findings.
    findings: reportList(reportedFinding).default([]),
    waiting: reportList(z.looseObject({ for: reportText, sinceMs: time, reason: reportText })),
    left: z
      .looseObject({
        collections: count,
        views: count,
        weakenedIndexes: count,
        users: count,
        roles: count,
        blocked: z.boolean(),
      })
      .optional(),
    error: z.looseObject({ code: reportText, message: reportText, remedy: reportText }).optional(),
  })
  .transform((progress) => progress as object as Progress);
