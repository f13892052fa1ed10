import { UserError } from '../../platform/index.ts';
import type { MigrationRecord } from './records.ts';
import { shownState } from './shown-state.ts';

/** An engine saves its checkpoint every five seconds, and nothing else tells that it is alive. */
const ENGINE_SILENT_MS = 30_000;
const ENDED = new Set(['committed', 'cancelled', 'failed']);

/** What a migration wants of its destination before it changes anything there. */
export interface Claim {
  readonly migrationId: string;
  /** Whether the destination keeps its data, and is shared. */
  readonly keeps: boolean;
  /** Whether the migration may drop what the destination has. */
  readonly mayDrop: boolean;
}

/** What is on record on a destination, of all its migrations. */
export interface Standing {
  /** The migration that took the destination last, where that is on record. */
  readonly named: string | null;
  readonly migrations: readonly MigrationRecord[];
  /** The destination's clock. */
  readonly nowMs: number;
}

/** `owns`: the migration has the destination, and those in `retires` lose it. `retired`: another migration has it. */
export type Decision =
  | { readonly kind: 'shares' }
  | { readonly kind: 'owns'; readonly retires: readonly string[] }
  | { readonly kind: 'retired'; readonly by: string };

/**
 * Decides a claim. Taking a destination retires every migration that is on record there; taking it again, after a restart, changes nothing.
 * @throws UserError DESTINATION_IN_USE when another migration is in the way and may not be retired, DESTINATION_PRIMARY when what would be dropped
 * is the primary copy since another migration's cutover
 */
export function decide({ migrationId, keeps, mayDrop }: Claim, standing: Standing): Decision {
  const { migrations, nowMs } = standing;
  const owner = ownerOf(standing);
  const mine = migrations.find(({ _id }) => _id === migrationId);
  const others = migrations.filter(({ _id, retiredBy }) => _id !== migrationId && retiredBy === undefined);
  if (mine?.retiredBy !== undefined) return { kind: 'retired', by: mine.retiredBy };
  if (keeps) {
    const unfinished = others.find(({ _id, state }) => _id === owner && state !== 'committed' && state !== 'cancelled');
    if (mine?.token === undefined && unfinished !== undefined) throw inUse(unfinished);
    return { kind: 'shares' };
  }
  // Begun by a version that had no owner on record: the others are older, but for those that share the destination.
  if (owner === migrationId)
    return {
      kind: 'owns',
      retires: idsOf(standing.named === owner ? [] : others.filter((one) => !keepsDestination(one))),
    };
  if (mine?.token !== undefined && owner !== undefined) return { kind: 'retired', by: owner };
  const primary = mayDrop ? others.find(hasCutOver) : undefined;
  if (primary !== undefined) throw new UserError('DESTINATION_PRIMARY', [primary._id, primary._id]);
  const atWork = others.find((one) => (one._id === owner || one.state !== 'created') && isAtWork(one, nowMs));
  if (atWork !== undefined && !mayDrop) throw inUse(atWork);
  return { kind: 'owns', retires: idsOf(others) };
}

/**
 * The owner of a destination: the migration that took it last. Versions that named no owner dropped and blocked all the same, so without a name it
 * is the one that began last.
 */
export function ownerOf({ named, migrations }: Pick<Standing, 'named' | 'migrations'>): string | undefined {
  if (named !== null && migrations.some(({ _id }) => _id === named)) return named;
  const begun = migrations.filter(
    (one) => one.retiredBy === undefined && one.token !== undefined && !keepsDestination(one),
  );
  return begun.toSorted((a, b) => beganAtMs(a) - beganAtMs(b)).at(-1)?._id;
}

/** The migration that has taken the destination from this one, by its record or by what {@link ownerOf} says of older versions. */
export function retirerOf(
  migration: MigrationRecord,
  standing: Pick<Standing, 'named' | 'migrations'>,
): string | undefined {
  if (migration.retiredBy !== undefined) return migration.retiredBy;
  if (migration.token === undefined || keepsDestination(migration)) return undefined;
  const owner = ownerOf(standing);
  return owner === migration._id ? undefined : owner;
}

/** Whether an engine may be at work on the migration at this moment. */
export function isAtWork({ state, savedAt }: MigrationRecord, nowMs: number): boolean {
  return !ENDED.has(state) && savedAt !== undefined && nowMs - savedAt.getTime() < ENGINE_SILENT_MS;
}

/** Whether applications may have written to the destination since. `sync --once` commits without a cutover: its source stays the primary copy. */
function hasCutOver({ state, phases }: MigrationRecord): boolean {
  return state === 'committed' && phases.some(({ name }) => name === 'cutover');
}

/** Whether the migration shares its destination with what was there before. */
export function keepsDestination({ selection }: MigrationRecord): boolean {
  return (JSON.parse(selection || '{}') as { keepDestination?: boolean }).keepDestination ?? false;
}

/** The error with which a retired migration fails. @param by  the migration that has its destination */
export function takenBy(migrationId: string, by: string): UserError {
  return new UserError('DESTINATION_TAKEN', [migrationId, by, migrationId]);
}

function inUse({ _id, state }: MigrationRecord): UserError {
  return new UserError('DESTINATION_IN_USE', [_id, shownState(state)]);
}

function beganAtMs({ phases }: MigrationRecord): number {
  return phases[0]?.startedAtMs ?? 0;
}

function idsOf(migrations: readonly MigrationRecord[]): string[] {
  return migrations.map(({ _id }) => _id);
}
