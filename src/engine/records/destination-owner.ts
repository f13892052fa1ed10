import type { MigrationState } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import { type MigrationRecord, refuseOtherSchema } from './records.ts';
import { shownState } from './shown-state.ts';

/** An engine saves its checkpoint every five seconds. Only that shows that it runs. */
const ENGINE_SILENT_MS = 30_000;
const ENDED: ReadonlySet<MigrationState> = new Set(['COMMITTED', 'CANCELLED', 'FAILED']);

/** The permissions with which a migration takes its destination, before it changes anything there. */
export interface Permission {
  /** Whether the destination keeps its data, so that migrations share it. */
  readonly keeps: boolean;
  /** Whether the migration may drop the data of the destination. */
  readonly mayDrop: boolean;
}

export interface Claim extends Permission {
  readonly migrationId: string;
}

/** The records of all migrations on a destination, and its owner. */
export interface Standing {
  /** The migration that took the destination last; null if none is on record. */
  readonly named: string | null;
  readonly migrations: readonly MigrationRecord[];
  /** The destination's clock. */
  readonly nowMs: number;
}

/** `owns`: the migration has the destination, and those in `retires` lose it. */
export type Decision = { readonly kind: 'shares' } | { readonly kind: 'owns'; readonly retires: readonly string[] };

/**
 * Decides a claim. A migration that takes a destination retires every other migration on record there. Taking it again,
 * after a restart, changes nothing.
 * @throws UserError DESTINATION_IN_USE when an engine may still work on another migration that the claim may not retire,
 * DESTINATION_PRIMARY when the claim would drop the primary copy of another migration's cutover, DESTINATION_TAKEN when
 * another migration has retired this one, CHECKPOINT_OF_OTHER_VERSION when the record of another one would be misread
 */
export function decide({ migrationId, keeps, mayDrop }: Claim, { named, migrations, nowMs }: Standing): Decision {
  const mine = migrations.find(({ _id }) => _id === migrationId);
  const others = migrations.filter(({ _id, retiredBy }) => _id !== migrationId && retiredBy === undefined);
  if (mine?.retiredBy !== undefined) throw takenBy(migrationId, mine.retiredBy);
  if (mine !== undefined && named === migrationId) return { kind: 'owns', retires: [] };
  // rule: refuse-other-schema-beside
  for (const other of others) refuseOtherSchema(other);
  if (keeps) {
    const unfinished = others.find(({ _id, state }) => _id === named && state !== 'COMMITTED' && state !== 'CANCELLED');
    // rule: refuse-owned-destination
    if (mine?.token === undefined && unfinished !== undefined) throw inUse(unfinished);
    return { kind: 'shares' };
  }
  const primary = mayDrop ? others.find(hasCutOver) : undefined;
  if (primary !== undefined) throw new UserError('DESTINATION_PRIMARY', [primary._id, primary._id]);
  const atWork = others.find((one) => (one._id === named || one.state !== 'CREATED') && isAtWork(one, nowMs));
  // rule: refuse-used-destination
  if (atWork !== undefined && !mayDrop) throw inUse(atWork);
  return { kind: 'owns', retires: others.map(({ _id }) => _id) };
}

/** Returns whether an engine may run the migration at this moment. */
export function isAtWork({ state, savedAt }: MigrationRecord, nowMs: number): boolean {
  return !ENDED.has(state) && savedAt !== undefined && nowMs - savedAt.getTime() < ENGINE_SILENT_MS;
}

/**
 * Returns whether applications may have written to the destination since, also when the steps after the commit are not
 * done. `sync --once` commits without a cutover: the source stays the primary copy.
 */
export function hasCutOver({ state, cutover, phases }: MigrationRecord): boolean {
  // rule: committed-destination-is-used
  return (state === 'COMMITTED' || cutover?.committed === true) && phases.some(({ name }) => name === 'CUTOVER');
}

/** Returns whether the migration shares its destination with data that was there before. */
export function keepsDestination({ selection }: MigrationRecord): boolean {
  return (JSON.parse(selection || '{}') as { keepDestination?: boolean }).keepDestination ?? false;
}

/** Returns the error with which a retired migration fails. @param by  the migration that has its destination */
export function takenBy(migrationId: string, by: string): UserError {
  return new UserError('DESTINATION_TAKEN', [migrationId, by, migrationId]);
}

function inUse({ _id, state }: MigrationRecord): UserError {
  return new UserError('DESTINATION_IN_USE', [_id, shownState(state)]);
}
