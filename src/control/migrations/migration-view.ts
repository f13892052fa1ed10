import { dateOf, type ErrorData, type Gate, type Progress } from '../../contract/index.ts';
import { counted, UserError } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import { thresholdOf } from '../records/announced.ts';
import type { HookDelivery } from '../records/hook-records.ts';
import { isDecided, isFinishing } from '../records/migration-state.ts';
import type { Migration } from '../records/records.ts';
import { contactOfMigration, type MigrationContact } from './migration-contact.ts';
import { gatesOfMigration } from './migration-gates.ts';
import { isFull, waitForPlace } from './places.ts';
import { problemsOf } from './problems-of.ts';
import { writtenText } from './source-watches.ts';
import { type Standby, standbysOf } from './standbys.ts';
import { isNotedAsTakenOver } from './taken-over-warning.ts';

type Wait = Progress['waiting'][number];

/** A migration with the control plane's own information about its state. */
export interface MigrationView extends Migration {
  /** When it was looked at. */
  readonly atMs: number;
  /** Whether its agent reports it; null once the migration has ended. */
  readonly contact: MigrationContact | null;
  /** The agents that stand by for it; empty once it has ended. */
  readonly standbys: readonly Standby[];
  /** Reasons why the migration waits: first the control plane's, then those that the agent reported. */
  readonly waits: readonly Wait[];
  /** The checklist of its cutover; empty once it has ended. */
  readonly gates: readonly Gate[];
  readonly isReady: boolean;
  /** The problems since its cutover, the worst first. */
  readonly problems: readonly ErrorData[];
  /** The control plane's own warnings: its cutover window ends soon, or a hook fails. */
  readonly warnings: readonly string[];
}

/** Returns a migration with the control plane's own information. */
export async function viewMigration(control: Control, migration: Migration): Promise<MigrationView> {
  const atMs = control.clock.now();
  const problems = problemsOf(migration);
  const undelivered = (await control.store.find('hookDeliveries', { subject: migration.id })).flatMap(hookWarning);
  if (migration.state.endedAtMs !== null) {
    const warnings = [...writtenWarning(migration), ...undelivered];
    return {
      ...migration,
      atMs,
      contact: null,
      standbys: [],
      waits: [],
      gates: [],
      isReady: false,
      problems,
      warnings,
    };
  }
  const agent = await control.store.get('agents', migration.agentId);
  const contact = agent ? contactOfMigration(migration, agent, atMs) : null;
  const standbys = agent ? await standbysOf(control.store, migration, agent, atMs) : [];
  const waits: Wait[] = [];
  if (agent && contact && contact.status !== 'CONNECTED')
    waits.push(waitForAgent(migration, contact, contact.lastReportAtMs ?? agent.createdAtMs));
  else if (isFailbackAwaited(migration)) waits.push(waitForFailback(migration));
  if (migration.state.status === 'NEW' && !migration.state.orderSent)
    waits.push(
      agent && (await isFull(control.store, agent)) ? waitForPlace(migration, agent) : waitForOrder(migration),
    );
  if (migration.move) waits.push(waitForMove(migration.host, migration.move));
  const user = await control.store.get('destinationUsers', migration.id);
  if (user?.state === 'wanted' || user?.state === 'renewed') waits.push(waitForUser(migration));
  const { all: gates, areReady: isReady } = gatesOfMigration(migration, agent, atMs);
  const warnings = [...windowWarning(migration, atMs), ...undelivered];
  const all = [...waits, ...(migration.progress?.waiting ?? [])];
  return { ...migration, atMs, contact, standbys, waits: all, gates, isReady, problems, warnings };
}

function writtenWarning({ state: { sourceWatch } }: Migration): string[] {
  if (sourceWatch === undefined || sourceWatch.changes === 0) return [];
  return [new UserError('SOURCE_WRITTEN_AFTER_COMMIT', writtenText(sourceWatch)).message];
}

function windowWarning({ id, state }: Migration, atMs: number): string[] {
  const { windowEndsAtMs } = state;
  if (windowEndsAtMs === null || isDecided(state)) return [];
  const hours = thresholdOf(windowEndsAtMs, atMs);
  if (hours === undefined) return [];
  return [
    `The cutover window ends at ${new Date(windowEndsAtMs).toISOString()}, in less than ${counted(hours, 'hour')}, and the migration with it. ` +
      `Cut over with linkspan migration cutover ${id}, or keep it open with linkspan migration extend-window ${id} --hours 48.`,
  ];
}

function hookWarning({ hook, event, attempts, lastError, givenUpAtMs }: HookDelivery): string[] {
  if (lastError === null) return [];
  // The reason may name files, addresses and keys of the server's operator: it is in the log.
  const failed = `Hook ${hook} has failed ${counted(attempts, 'time')} to take ${event.type}`;
  return [`${failed}${givenUpAtMs === null ? '' : ', and it is not retried'}. The log of the server says why.`];
}

function waitForAgent(migration: Migration, { isLeftOut }: MigrationContact, sinceMs: number): Wait {
  const { host, state } = migration;
  const then = state.order.wanted === 'CANCELLED' ? ' To end the migration without its agent, revoke the link.' : '';
  const silence = isLeftOut
    ? `it is heard, but it has not reported this migration since.${takeoverAdvice(migration)}`
    : 'it has not reported since.';
  return { for: `the agent on ${host}`, since: dateOf(sinceMs), reason: `${silence}${then}` };
}

/**
 * Returns the advice about a second engine; empty unless the agent says that there is one. An agent that has restarted leaves a migration out, too.
 */
function takeoverAdvice(migration: Migration): string {
  // rule: advice-when-taken-over
  if (!isNotedAsTakenOver(migration)) return '';
  return ' Another engine has taken the migration over. Find the second agent or sync process and stop it, then restart the agent.';
}

/** Whether a failback is requested that its agent has not begun. The request takes away the progress of the direction before. */
function isFailbackAwaited({ progress, state }: Migration): boolean {
  // rule: wait-for-agent-of-failback
  return progress === null && state.status === 'WORKING' && !isFinishing(state) && state.order.direction > 0;
}

function waitForFailback({ host, updatedAtMs }: Migration): Wait {
  const reason = 'it has not begun the requested failback yet.';
  return { for: `the agent on ${host}`, since: dateOf(updatedAtMs), reason };
}

function waitForOrder({ id, createdAtMs }: Migration): Wait {
  const reason = `nothing is copied yet, and linkspan migration cancel ${id} ends the migration at once.`;
  return { for: 'the agent to take the order', since: dateOf(createdAtMs), reason };
}

function waitForMove(host: string, { atMs, toHost }: NonNullable<Migration['move']>): Wait {
  return {
    for: `the agent on ${host}`,
    since: dateOf(atMs),
    reason: `it stops the migration, which then moves to ${toHost}.`,
  };
}

function waitForUser({ createdAtMs, takenOver }: Migration): Wait {
  const reason = 'the database user for this migration is not created there yet; the log of linkspan serve says why.';
  return { for: 'the destination', since: dateOf(takenOver?.atMs ?? createdAtMs), reason };
}
