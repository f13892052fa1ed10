import { type LoadLevel, type LoadWindow, windowText } from '../../contract/index.ts';
import { failpoint, UserError } from '../../platform/index.ts';
import { type Audited, audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { ACTIVE_STATUSES, isFinishing, isFollowed, type OperatorRequest } from '../records/migration-state.ts';
import { transition } from '../records/migration-transitions.ts';
import type { AuditRecord, Migration } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';
import { gatesOfMigration } from './migration-gates.ts';
import { findMigration } from './migrations.ts';

type RequestWithoutTime = OperatorRequest extends infer Each
  ? Each extends OperatorRequest
    ? Omit<Each, 'atMs'>
    : never
  : never;

/**
 * Requests the cutover of a migration that is ready for it. Repeating this or any other request of this file is harmless.
 * @throws UserError CUTOVER_NOT_READY, CUTOVER_AFTER_END, and as {@link findMigration}
 */
export async function requestCutover(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<void> {
  await carryOut(control, actor, [groupId, migrationId], { kind: 'cutover' }, refusal);
}

/**
 * Takes back the request for a cutover. The agent opens the source again, and the migration continues.
 * @throws UserError CUTOVER_COMMITTED past the point of no return, LIVE_MIGRATION_ENDED, LIVE_MIGRATION_DECIDED, and as
 * {@link findMigration}
 */
export async function abortCutover(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  const { state, progress } = await findMigration(control.store, actor, groupId, migrationId, 'ORG_OWNER');
  if (state.status === 'COMPLETE' || progress?.cutoverReport !== undefined)
    throw new UserError('CUTOVER_COMMITTED', [migrationId]);
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'abort cutover' }, refusal);
}

/**
 * Requests a rehearsal of the cutover: all steps that can be undone, with the source blocked for at most 200 ms.
 * @throws UserError CUTOVER_NOT_READY, CUTOVER_AFTER_END, and as {@link findMigration}
 */
export async function rehearseCutover(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'rehearse' }, refusal);
}

/** Requests a pause. @throws UserError LIVE_MIGRATION_ENDED, LIVE_MIGRATION_DECIDED, and as {@link findMigration} */
export async function pauseMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'pause' }, refusal);
}

/** Resumes a paused migration. @throws UserError as {@link pauseMigration} */
export async function resumeMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'resume' }, refusal);
}

/**
 * Cancels a migration: at once if no agent has its order yet, otherwise when its agent has cancelled it. A cutover past its point of no
 * return completes instead.
 * @param dropCopied  whether to drop the copied data on the destination
 * @throws UserError LIVE_MIGRATION_ENDED, and as {@link findMigration}
 */
export async function cancelMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
  dropCopied: boolean,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'cancel', dropCopied }, cancelRefusal);
}

/** Limits the load of a migration. @throws UserError LIVE_MIGRATION_ENDED, and as {@link findMigration} */
export async function setLoadLevel(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
  level: LoadLevel,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'load level', level }, refusal);
}

/**
 * Limits the rate of the initial sync. The agent's own limit still applies.
 * @param megabytesPerSecond  null for no limit
 * @throws UserError as {@link setLoadLevel}
 */
export async function limitCopy(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
  megabytesPerSecond: number | null,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'copy rate', megabytesPerSecond }, refusal);
}

/**
 * Replaces the hours of the week in which another load level or copy rate holds.
 * @throws UserError as {@link setLoadLevel}
 */
export async function setLoadWindows(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
  windows: readonly LoadWindow[],
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'load windows', windows }, refusal);
}

/**
 * Confirms the drops for which a migration waits, and all later ones, however much they drop.
 * @throws UserError as {@link setLoadLevel}
 */
export async function confirmDrops(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'confirm drops' }, refusal);
}

/**
 * Keeps the cutover window open for at least `forMs` from now.
 * @throws UserError CUTOVER_WINDOW_NOT_OPEN, and as {@link pauseMigration}
 */
export async function extendWindow(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
  forMs: number,
): Promise<Migration> {
  return await carryOut(
    control,
    actor,
    [groupId, migrationId],
    { kind: 'extend', untilMs: control.clock.now() + forMs },
    refusal,
  );
}

/** Carries out a request of an operator. Requests that change the direction start with no progress. */
export async function carryOut(
  control: Control,
  actor: Actor,
  [groupId, migrationId]: readonly [groupId: string, migrationId: string],
  wanted: RequestWithoutTime,
  refuse: (migration: Migration) => UserError,
): Promise<Migration> {
  const atMs = control.clock.now();
  const migration = await control.store.write(async (transaction) => {
    const record = await findMigration(transaction, actor, groupId, migrationId, 'ORG_OWNER');
    if (wanted.kind === 'cutover' || wanted.kind === 'rehearse') await assertReady(transaction, record, atMs);
    const state = transition(record.state, { ...wanted, atMs });
    if (state === 'refused' || state === 'ignored') throw refuse(record);
    const password = state.endedAtMs === null ? record.password : null;
    const begun = state.order.direction === record.state.order.direction ? {} : { progress: null, failback: null };
    const changed = { ...record, ...begun, state, password, updatedAtMs: atMs };
    if (state !== record.state) {
      await transaction.update('migrations', changed);
      await audit(transaction, actor, atMs, auditedRequest(record, wanted));
      if (state.endedAtMs !== null) await audit(transaction, SYSTEM, atMs, auditedEnd(changed));
    }
    return changed;
  });
  await failpoint(`control.${wanted.kind}.committed`);
  control.signals.wake(migration.agentId);
  if (migration.state.endedAtMs !== null) control.userAlarm.ring();
  return migration;
}

const EVENT_TYPE_NAMES: Readonly<Record<OperatorRequest['kind'], string>> = {
  cutover: 'LIVE_MIGRATION_CUTOVER_REQUESTED',
  'abort cutover': 'LIVE_MIGRATION_CUTOVER_ABORT_REQUESTED',
  rehearse: 'LIVE_MIGRATION_CUTOVER_REHEARSAL_REQUESTED',
  pause: 'LIVE_MIGRATION_PAUSE_REQUESTED',
  resume: 'LIVE_MIGRATION_RESUME_REQUESTED',
  cancel: 'LIVE_MIGRATION_CANCEL_REQUESTED',
  'load level': 'LIVE_MIGRATION_LOAD_LEVEL_SET',
  'copy rate': 'LIVE_MIGRATION_COPY_RATE_SET',
  'load windows': 'LIVE_MIGRATION_LOAD_WINDOWS_SET',
  'confirm drops': 'LIVE_MIGRATION_DROPS_CONFIRMED',
  reverse: 'LIVE_MIGRATION_REVERSE_REQUESTED',
  finish: 'LIVE_MIGRATION_FINISH_REQUESTED',
  extend: 'LIVE_MIGRATION_WINDOW_EXTENDED',
};

function auditedRequest({ id, orgId, groupId }: Migration, wanted: RequestWithoutTime): Audited {
  const details = { liveMigrationId: id, ...aboutRequest(wanted) };
  return { eventTypeName: EVENT_TYPE_NAMES[wanted.kind], orgId, groupId, details };
}

function aboutRequest(wanted: RequestWithoutTime): AuditRecord['details'] {
  if (wanted.kind === 'copy rate') return { megabytesPerSecond: wanted.megabytesPerSecond ?? 'unlimited' };
  if (wanted.kind === 'load windows') return { windows: wanted.windows.map(windowText) };
  const { kind: _, ...about } = wanted;
  return about;
}

/** The audit record of a migration that a request ended: before an agent had its order, or after its cutover. */
function auditedEnd({ id, orgId, groupId, state }: Migration): Audited {
  if (state.status === 'COMPLETE')
    return { eventTypeName: 'LIVE_MIGRATION_FAILBACK_LOST', orgId, groupId, details: { liveMigrationId: id } };
  return { eventTypeName: 'LIVE_MIGRATION_FAILED', orgId, groupId, details: { liveMigrationId: id, cancelled: true } };
}

/** Refuses a cutover that could not begin now. A repeated request is accepted. */
async function assertReady(store: StoreReader, migration: Migration, nowMs: number): Promise<void> {
  const { id, state, agentId } = migration;
  if (!ACTIVE_STATUSES.includes(state.status)) throw new UserError('CUTOVER_AFTER_END', [id, state.status]);
  if (isFinishing(state)) throw new UserError('LIVE_MIGRATION_DECIDED', [id, 'finish']);
  if (state.order.wanted === 'CUTOVER') return;
  const { refusals } = gatesOfMigration(migration, await store.get('agents', agentId), nowMs);
  if (refusals.length > 0) throw new UserError('CUTOVER_NOT_READY', [id, refusals.join('; ')]);
}

function cancelRefusal(migration: Migration): UserError {
  const { id, state } = migration;
  if (isFollowed(state))
    return new UserError('FAILBACK_NOT_POSSIBLE', [
      id,
      'cancelled',
      'users have moved, and finish closes the failback',
    ]);
  if (state.status !== 'WORKING') return refusal(migration);
  return new UserError('FAILBACK_NOT_POSSIBLE', [id, 'cancelled', 'users have moved, and finish ends the reversal']);
}

function refusal({ id, state }: Migration): UserError {
  if (!ACTIVE_STATUSES.includes(state.status)) return new UserError('LIVE_MIGRATION_ENDED', [id, state.status]);
  if (state.order.wanted === 'CUTOVER') return new UserError('LIVE_MIGRATION_DECIDED', [id, 'cutover']);
  if (state.order.wanted === 'CANCELLED') return new UserError('LIVE_MIGRATION_DECIDED', [id, 'cancellation']);
  if (isFinishing(state)) return new UserError('LIVE_MIGRATION_DECIDED', [id, 'finish']);
  return new UserError('CUTOVER_WINDOW_NOT_OPEN', [id]);
}
