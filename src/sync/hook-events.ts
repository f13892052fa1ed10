import { errorDataOf, type Progress, type SourceWatchState } from '../contract/index.ts';
import { writtenAfterCommit } from '../engine/index.ts';
import { errorOfEvent, eventText, type HookEvent } from '../hooks/index.ts';
import { newId, type UserError } from '../platform/index.ts';

/** The announcements of a migration, as JSON. */
export interface HookNote {
  readonly ready?: boolean;
  /** Since when it is ready without a break. */
  readonly readySinceMs?: number;
  readonly awaited?: boolean;
  /** The waits that were announced and are not over. */
  readonly waits?: readonly string[];
  /** How many cutovers there were. */
  readonly cutOvers?: number;
  /** The last direction after whose cutover it was announced that the failback is ready. */
  readonly reverseReadyAfter?: number;
  /** The failure of the failback that was announced; absent while it has none. */
  readonly failbackFailed?: string;
  /** Changes of the source after the commit that were announced. */
  readonly written?: number;
}

/** A look at a migration, and how it is to be judged. */
export interface HookLook {
  readonly progress: Progress;
  /** The opposite direction of a committed migration; undefined without one, and once it is the current one. */
  readonly failback?: Progress;
  /** The current direction. */
  readonly reversals: number;
  readonly sourceWatch?: SourceWatchState;
  /** Whether a cutover has to be requested, and was not yet. */
  readonly awaitsCutover: boolean;
  readonly waitingMs: number;
  readonly atMs: number;
}

/**
 * Returns the events since the last look.
 * @param before  the note of the last look; undefined before the first, also of earlier processes. Then a commit is old.
 */
export function hookEventsOf(
  before: HookNote | undefined,
  look: HookLook,
): { readonly note: HookNote; readonly events: readonly HookEvent[] } {
  const { progress, reversals, sourceWatch, awaitsCutover, waitingMs, atMs } = look;
  const { state, readyForCutover, waiting } = progress;
  const known = before ?? {};
  const events: HookEvent[] = [];
  const tell = (event: Omit<HookEvent, 'id' | 'timestamp'>) => events.push(dated(event, atMs));
  const data = aboutOf(progress);
  const isReady = readyForCutover && awaitsCutover;
  const readySinceMs = isReady ? (known.readySinceMs ?? atMs) : undefined;
  if (isReady && !known.ready) tell({ type: 'migration.ready', data });
  const isAwaited = readySinceMs !== undefined && atMs - readySinceMs >= waitingMs;
  if (isAwaited && !known.awaited)
    tell({ type: 'migration.cutover_awaited', data: { ...data, readySince: new Date(readySinceMs).toISOString() } });
  const waits = waiting
    .map((wait) => ({ ...wait, key: `${wait.since} ${wait.for}` }))
    .filter(({ key, since }) => known.waits?.includes(key) || atMs - Date.parse(since) >= waitingMs);
  for (const { for: what, key, since, reason } of waits) {
    if (known.waits?.includes(key)) continue;
    tell({ type: 'migration.waiting', data: { ...data, for: what, since, reason: eventText(reason) } });
  }
  // After a restart, the last cutover is shown before a direction that was requested since.
  const toldCutOvers = known.cutOvers ?? 0;
  const cutOvers = Math.max(toldCutOvers, state === 'COMMITTED' ? reversals + 1 : reversals);
  if (state === 'COMMITTED' && before !== undefined && cutOvers > toldCutOvers)
    tell({ type: 'migration.cut_over', data });
  const ready = readyFailback(look);
  const isReverseReady = ready !== undefined && ready.after > (known.reverseReadyAfter ?? -1);
  if (isReverseReady) tell({ type: 'migration.reverse_ready', data: { ...data, activeSide: ready.activeSide } });
  const reverseReadyAfter = isReverseReady ? ready.after : known.reverseReadyAfter;
  const failure = state === 'COMMITTED' ? look.failback?.error : undefined;
  const failed = failure?.code;
  if (failure !== undefined && failed !== known.failbackFailed)
    tell({ type: 'migration.failback_failed', data: { ...data, activeSide: 'DESTINATION', ...errorOfEvent(failure) } });
  const { count: changes, namespaces } = writtenAfterCommit(progress, sourceWatch);
  const isFirst = changes > 0 && known.written === undefined;
  const isLast = sourceWatch?.ended !== undefined && changes > (known.written ?? 0);
  if (isFirst || isLast) tell({ type: 'migration.source_written', data: { ...data, changes, namespaces } });
  const written = isFirst || isLast ? changes : known.written;
  const note = {
    ...((isReady || known.ready) && { ready: true }),
    ...(readySinceMs !== undefined && { readySinceMs }),
    ...(readySinceMs !== undefined && (isAwaited || known.awaited) && { awaited: true }),
    ...(waits.length > 0 && { waits: waits.map(({ key }) => key) }),
    ...(cutOvers > 0 && { cutOvers }),
    ...(reverseReadyAfter !== undefined && { reverseReadyAfter }),
    ...(failed !== undefined && { failbackFailed: failed }),
    ...(written !== undefined && { written }),
  };
  return { note, events };
}

/** Returns the direction whose failback is ready for a cutover, also once it is requested; undefined while it isn't. */
function readyFailback({
  progress: { state, readyForCutover },
  failback,
  reversals,
}: HookLook): { readonly after: number; readonly activeSide: 'SOURCE' | 'DESTINATION' } | undefined {
  if (failback?.readyForCutover) return { after: reversals, activeSide: 'DESTINATION' };
  // A cutover that has begun was ready. It may have begun between two looks.
  const isReady = readyForCutover || state === 'COMMITTING';
  return isReady && reversals > 0 ? { after: reversals - 1, activeSide: 'SOURCE' } : undefined;
}

/** Returns the event of a run that failed. */
export function failedEvent(
  migrationId: string,
  progress: Progress | undefined,
  error: UserError,
  atMs: number,
): HookEvent {
  const data = progress === undefined ? { migrationId } : aboutOf(progress);
  return dated({ type: 'migration.failed', data: { ...data, ...errorOfEvent(errorDataOf(error)) } }, atMs);
}

function dated(event: Omit<HookEvent, 'id' | 'timestamp'>, atMs: number): HookEvent {
  return { id: newId(atMs), timestamp: new Date(atMs).toISOString(), ...event } as HookEvent;
}

function aboutOf({ migrationId, addresses: { source, destination } }: Progress) {
  return { migrationId, ...(source !== '' && { source }), ...(destination !== '' && { destination }) };
}
