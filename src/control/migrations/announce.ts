import { type Logger, messageOf } from '../../platform/index.ts';
import { type Announcement, audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { type Announced, windowAfter } from '../records/announced.ts';
import { withinRate } from '../records/audit-rate.ts';
import { ACTIVE_STATUSES, isDecided } from '../records/migration-state.ts';
import { type MigrationView, viewMigration } from './migration-view.ts';
import { isForPlace } from './places.ts';

const LOOK_EVERY_MS = 10_000;

/** The events that are due of one migration, and the note that they are announced. */
interface Due {
  readonly events: readonly Announcement[];
  readonly announced: Announced;
}

/** A look at migrations. */
interface Watching {
  readonly atMs: number;
  readonly waitingMs: number;
  readonly runningSinceMs: number;
}

/**
 * Returns the announcements of a migration that are due because time has passed: its cutover window ends soon, no
 * operator requests the cutover, or it waits for something.
 * @param waitingMs  how long it waits before that is announced
 * @param runningSinceMs  when this server started: agents could not report before, so their waits count from then on
 */
export function dueAnnouncements(
  { state, waits }: Pick<MigrationView, 'state' | 'waits'>,
  { atMs, waitingMs, runningSinceMs }: Watching,
): Due {
  const isOpen = ACTIVE_STATUSES.includes(state.status) && !isDecided(state);
  const { window, passed } = windowAfter(state, atMs);
  const isDue = (sinceMs: number) => atMs - sinceMs >= waitingMs;
  const { readySinceMs } = state;
  const isAwaited = isOpen && state.order.wanted === 'RUNNING' && readySinceMs !== undefined && isDue(readySinceMs);
  const known = state.announced?.waits ?? [];
  // rule: place-is-no-alarm
  const faults = waits.filter((wait) => !isForPlace(wait));
  const due = faults.filter(
    (wait) => known.includes(keyOf(wait)) || isDue(Math.max(Date.parse(wait.since), runningSinceMs)),
  );
  const events: Announcement[] = due
    .filter((wait) => !known.includes(keyOf(wait)))
    .map(({ for: what, since, reason }) => ({
      eventTypeName: 'LIVE_MIGRATION_WAITING',
      details: { for: what, since, reason },
    }));
  if (passed !== undefined && isOpen && state.windowEndsAtMs !== null) {
    const details = { hoursLeft: passed, cutoverWindowEndsAt: new Date(state.windowEndsAtMs).toISOString() };
    events.push({ eventTypeName: 'LIVE_MIGRATION_WINDOW_ENDING', details });
  }
  if (isAwaited && !state.announced?.awaited) {
    const details = { readySince: new Date(readySinceMs).toISOString() };
    events.push({ eventTypeName: 'LIVE_MIGRATION_CUTOVER_AWAITED', details });
  }
  return {
    events,
    announced: {
      // A break of the readiness begins a new period.
      ...(readySinceMs !== undefined && (isAwaited || state.announced?.awaited) && { awaited: true }),
      ...(due.length > 0 && { waits: due.map(keyOf) }),
      ...(window && { window }),
    },
  };
}

/** Records the due announcements of all active migrations, once. @returns the number of events */
async function announce(control: Control, watching: Omit<Watching, 'atMs'>): Promise<number> {
  let count = 0;
  for (const { id } of await control.store.find('migrations', { isActive: true }))
    count += await announceOne(control, id, watching);
  return count;
}

/** Repeats {@link announce} until `signal` aborts. Retries when the store fails. */
export async function keepAnnouncing(
  control: Control,
  waitingMs: number,
  logger: Logger,
  signal: AbortSignal,
  runningSinceMs = control.clock.now(),
): Promise<void> {
  while (!signal.aborted) {
    await announce(control, { waitingMs, runningSinceMs }).catch((error: unknown) =>
      logger.error(
        { event: 'migration.waits_unchecked', reason: messageOf(error) },
        'could not look at what migrations wait for',
      ),
    );
    await control.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function announceOne(control: Control, id: string, watching: Omit<Watching, 'atMs'>): Promise<number> {
  const { store, clock } = control;
  const migration = await store.get('migrations', id);
  if (migration === undefined) return 0;
  const { state, waits } = await viewMigration(control, migration);
  const atMs = clock.now();
  const { announced, ...due } = dueAnnouncements({ state, waits }, { ...watching, atMs });
  if (JSON.stringify(state.announced ?? {}) === JSON.stringify(announced)) return 0;
  return await store.write(async (transaction) => {
    const current = await transaction.get('migrations', id);
    // The state may have changed since: the next look decides then.
    if (current === undefined || JSON.stringify(current.state) !== JSON.stringify(state)) return 0;
    const { events, auditRate } = withinRate(due.events, state.auditRate, atMs);
    await transaction.update('migrations', {
      ...current,
      state: { ...state, announced, ...(auditRate && { auditRate }) },
    });
    const { orgId, groupId } = current;
    for (const { eventTypeName, details } of events) {
      const told = { eventTypeName, orgId, groupId, details: { liveMigrationId: id, ...details } };
      await audit(transaction, SYSTEM, atMs, told);
    }
    return events.length;
  });
}

/** A key of one wait: the same while it lasts. */
function keyOf({ for: what, since }: MigrationView['waits'][number]): string {
  return `${since} ${what}`;
}
