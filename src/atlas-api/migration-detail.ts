import { z } from 'zod';
import {
  errorData,
  finding,
  labels,
  listOf,
  loadLevel,
  loadWindows,
  note,
  showGates,
  shownGate,
  shownProgress,
  shownSourceWatch,
  showProgress,
  showSourceWatch,
  sourceBlockedSince,
  stage,
  stageOf,
  takeOverReason,
  wait,
  wantedState,
} from '../contract/index.ts';
import type { MigrationView } from '../control/index.ts';
import { atlasDate } from '../http/index.ts';
import { failbackFields, showFailback } from './failback.ts';

const date = z.iso.datetime();

const namedCluster = z.object({ groupId: z.string(), clusterName: z.string() });

const standbyHost = z
  .object({
    host: z.string(),
    status: z.enum(['READY', 'NOT_READY', 'LOST']).meta({
      description:
        'READY: its agent reads both clusters, and can take over. LOST: its agent has not reported for 25 seconds.',
    }),
    reason: z.string().optional().meta({ description: 'Why it is NOT_READY.' }),
  })
  .meta({ id: 'LinkspanStandbyHost' });

/** Schema of Linkspan's own fields of a migration. */
export const migrationDetail = z
  .object({
    source: namedCluster.meta({
      description: 'The cluster that the migration was created from; also after a reversal.',
    }),
    destination: namedCluster.meta({
      description: 'The cluster that the migration was created to, as it was named when it was registered.',
    }),
    stage,
    wanted: wantedState.meta({ description: "The operator's last request." }),
    loadLevel: loadLevel.meta({ description: 'How much load the initial sync may cause; 3 by default.' }),
    maxMegabytesPerSecond: z
      .number()
      .nullable()
      .meta({ description: 'Rate limit of the initial sync; null for none.' }),
    loadWindows,
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
    rehearsalId: z
      .int()
      .optional()
      .meta({ description: 'The id of the last rehearsal that a user requested. `cutoverAttempts` has its result.' }),
    ...failbackFields,
    labels,
    note,
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
    standbyHosts: listOf(standbyHost)
      .optional()
      .meta({
        description:
          'The other hosts of the same link-token. One of them takes the migration over when the host of `migrationHosts`, which leads it, is lost. ' +
          'Absent without one, and after the migration has ended.',
      }),
    takenOver: z
      .object({
        at: date,
        fromHost: z.string(),
        reason: takeOverReason,
      })
      .optional()
      .meta({
        description: 'When the host of `migrationHosts` took the migration over last. Absent before the first time.',
      }),
    movingTo: z.string().optional().meta({
      description:
        'The host that takes the migration over once the one of `migrationHosts` has stopped it. Absent unless it is being moved.',
    }),
    waiting: listOf(wait).meta({
      description:
        'Reasons why the migration waits, including its agent and its destination user; empty while it makes progress.',
    }),
    readiness: listOf(shownGate).meta({
      description:
        'What the cutover depends on, as a checklist. `readyForCutover` follows from it. Empty once the migration has ended.',
    }),
    sourceWatch: shownSourceWatch.optional().meta({
      description:
        'The watch of a source that stays blocked after the commit, for writes of users who bypass the block. Absent without one.',
    }),
    error: errorData.optional().meta({
      description:
        'Why the migration failed, was cancelled, lost its failback or could not finish its cutover; the parts of `errorMessage`.',
    }),
    problems: listOf(errorData).meta({
      description:
        'What has gone wrong since the cutover, the worst first: both sides differed, users wrote to the source, or the failback has failed. ' +
        'Empty before the cutover, and while nothing has.',
    }),
    warnings: listOf(z.string()).meta({
      description:
        "Warnings of the control plane: the cutover window ends soon, or a hook fails. The agent's are in `progress`.",
    }),
    findings: listOf(finding).meta({ description: "Warnings of the migration's preflight." }),
    progress: shownProgress.nullable().meta({ description: 'The last report of the agent.' }),
  })
  .meta({ id: 'LinkspanMigrationDetail', 'x-linkspan-extension': true });

/** Findings about a moment: they no longer apply to a migration that has ended. */
const OF_THE_MOMENT: ReadonlySet<string> = new Set(['HOST_BUSY', 'OPLOG_SHORT']);

/** @param destinationName  the registered name of the destination */
export function showDetail(view: MigrationView, destinationName: string): z.output<typeof migrationDetail> {
  const {
    state,
    progress,
    contact,
    standbys,
    takenOver,
    move,
    waits,
    gates,
    problems,
    warnings,
    createdAtMs,
    updatedAtMs,
  } = view;
  const { wanted, copyBytesPerSecond, drops, abort, rehearsal } = state.order;
  const dropsDirection = state.status === 'COMPLETE' ? state.order.direction + 1 : state.order.direction;
  const blockedSince = progress && sourceBlockedSince(progress);
  const hasEnded = state.endedAtMs !== null;
  const stage = stageOf(
    {
      status: state.status,
      wanted,
      isAgentLost: contact?.status === 'LOST',
      isBlocked: blockedSince !== null,
      hasProblems: problems.length > 0,
    },
    progress && { ...progress, waiting: waits, readiness: gates, readyForCutover: view.isReady },
  );
  return {
    source: { groupId: view.sourceGroupId, clusterName: view.sourceClusterName },
    destination: { groupId: view.groupId, clusterName: destinationName },
    stage,
    wanted,
    loadLevel: state.order.loadLevel,
    maxMegabytesPerSecond: copyBytesPerSecond && copyBytesPerSecond / 1e6,
    loadWindows: state.order.windows,
    dropsConfirmed: drops?.direction === dropsDirection,
    cutoverWindowEndsAt: dateOrNull(state.windowEndsAtMs),
    ...(blockedSince !== null && { sourceBlockedSince: blockedSince }),
    ...(state.cutoverRequestedAtMs === undefined ? {} : { cutoverRequestedAt: atlasDate(state.cutoverRequestedAtMs) }),
    ...(abort !== null && {
      cutoverAbort: { requestedAt: atlasDate(abort), isDone: progress?.cutoverAborted === abort },
    }),
    ...(rehearsal !== null && { rehearsalId: rehearsal }),
    ...showFailback(view),
    labels: view.labels,
    note: view.note,
    createdAt: atlasDate(createdAtMs),
    updatedAt: atlasDate(updatedAtMs),
    endedAt: dateOrNull(state.endedAtMs),
    agent: contact && { status: contact.status, lastSeen: dateOrNull(contact.lastReportAtMs) },
    ...(standbys.length > 0 && { standbyHosts: standbys }),
    ...(takenOver && { takenOver: showTakenOver(takenOver) }),
    ...(move && { movingTo: move.toHost }),
    waiting: waits,
    readiness: showGates(gates),
    ...(state.sourceWatch && { sourceWatch: showSourceWatch(state.sourceWatch) }),
    ...(state.error && { error: state.error }),
    problems,
    warnings,
    findings: (progress?.findings ?? []).filter(({ code }) => !hasEnded || !OF_THE_MOMENT.has(code)),
    progress: progress && showProgress(progress),
  };
}

function dateOrNull(ms: number | null): string | null {
  return ms === null ? null : atlasDate(ms);
}

function showTakenOver({ atMs, ...takenOver }: NonNullable<MigrationView['takenOver']>) {
  return { at: atlasDate(atMs), ...takenOver };
}
