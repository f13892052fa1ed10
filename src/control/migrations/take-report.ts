import { isDeepStrictEqual } from 'node:util';
import { type ErrorData, type Progress, UNEXPLAINED } from '../../contract/index.ts';
import type { ReceivedReport, Report, ReportedMigration, ReportResponse } from '../../link/index.ts';
import { failpoint } from '../../platform/index.ts';
import { type Announcement, type Author, audit } from '../audit/audit.ts';
import { contactOf } from '../links/agent-contact.ts';
import { assertLinked } from '../links/identify-agent.ts';
import type { Control } from '../ports/control.ts';
import { activeSide, stillBlocked } from '../records/active-side.ts';
import { withinRate } from '../records/audit-rate.ts';
import { mayBeCommitted } from '../records/may-be-committed.ts';
import { ACTIVE_STATUSES, isOpen, type MigrationEvent, type MigrationState } from '../records/migration-state.ts';
import { transition } from '../records/migration-transitions.ts';
import type { Agent, Migration } from '../records/records.ts';
import { lastCutoverOf } from '../records/reversal-transitions.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { handOver } from './hand-over.ts';
import { knownProgress } from './known-progress.ts';
import { takeLists } from './lists.ts';
import { saysReady } from './migration-gates.ts';
import { recordContact } from './note-heard.ts';
import { noteTakenOver } from './note-taken-over.ts';
import { noteSample } from './samples.ts';
import { takeWatch, watchAfterCommit } from './source-watches.ts';
import { takeOverFromSilent } from './take-over.ts';

/**
 * Stores an agent's report. Ignores a report whose sequence number is not higher than the last one. Ignores entries about validations and
 * migrations that belong to other agents or have ended, and further entries about the same one.
 * @returns the highest accepted sequence number, the migrations whose lists the agent has to send anew, and those that it has to take back
 * @throws UserError LINK_DELETED, AGENT_SUPERSEDED
 */
export async function takeReport(control: Control, agentId: string, report: ReceivedReport): Promise<ReportResponse> {
  const atMs = control.clock.now();
  const { answer, former, successors } = await control.store.write(async (transaction) => {
    const agent = await transaction.get('agents', agentId);
    const link = agent && (await transaction.get('links', agent.linkId));
    if (!agent || !link) throw new Error(`Agent ${agentId} is missing in the store`);
    assertLinked({ agent, link });
    if (report.sequence <= agent.lastSequence)
      return { answer: { sequence: agent.lastSequence, resendLists: [], takeBack: [] }, former: [], successors: [] };
    const wasSilent = agent.lastReportAtMs === null || contactOf(agent, atMs).status === 'LOST';
    const heard = {
      ...agent,
      inventory: report.inventory ?? agent.inventory,
      lastSequence: report.sequence,
      lastReportAtMs: atMs,
      heardSinceMs: wasSilent ? atMs : agent.heardSinceMs,
      standbys: report.standbys,
      maxMigrations: report.maxMigrations ?? null,
    };
    await transaction.update('agents', heard);
    for (const result of onceEach(report.validations)) await takeValidation(transaction, agent, result, atMs);
    const resendLists: string[] = [];
    for (const entry of onceEach(report.migrations)) {
      const { progress } = entry;
      const areListsComplete =
        progress === null || (await takeProgress(control, transaction, agent, { ...entry, progress }, atMs));
      if (!areListsComplete) resendLists.push(entry.id);
    }
    const takeBack: string[] = [];
    for (const id of new Set(report.takenOver)) {
      await noteTakenOver(transaction, heard, id, atMs);
      // rule: take-back-own-only
      if ((await transaction.get('migrations', id))?.agentId === agentId) takeBack.push(id);
    }
    for (const watch of onceEach(report.watches)) await takeWatch(transaction, agent, authorOf(agent), watch, atMs);
    const former = await takeOverFromSilent(control, transaction, heard, atMs);
    const successors = await handOver(control, transaction, heard, report, atMs);
    return { answer: { sequence: report.sequence, resendLists, takeBack }, former, successors };
  });
  await failpoint('control.report.committed');
  const others = [...former, ...successors];
  if (others.length > 0) control.userAlarm.ring();
  for (const id of others) control.signals.wake(id);
  // The agent's wanted state no longer contains validations and migrations that have ended.
  control.signals.wake(agentId);
  return answer;
}

/** Entries about different things: each may leave records that stay, so nothing is reported twice. */
function onceEach<Entry extends { readonly id: string }>(entries: readonly Entry[]): readonly Entry[] {
  const seen = new Set<string>();
  // rule: one-entry-for-each-id
  return entries.filter(({ id }) => !seen.has(id) && seen.add(id));
}

async function takeValidation(
  transaction: StoreTransaction,
  agent: Agent,
  { id, status, errorMessage, findings, estimate }: Report['validations'][number],
  atMs: number,
): Promise<void> {
  const validation = await transaction.get('validations', id);
  if (validation?.agentId !== agent.id || validation.status !== 'PENDING') return;
  await transaction.update('validations', {
    ...validation,
    status,
    errorMessage,
    findings,
    estimate: estimate ?? null,
    password: null,
  });
  const { orgId, groupId } = validation;
  const details = { validationId: id, status };
  await audit(transaction, authorOf(agent), atMs, {
    eventTypeName: 'LIVE_MIGRATION_VALIDATION_ENDED',
    orgId,
    groupId,
    details,
  });
}

/** @returns false when the lists of the migration have to be sent anew */
async function takeProgress(
  control: Control,
  transaction: StoreTransaction,
  agent: Agent,
  entry: ReportedMigration,
  atMs: number,
): Promise<boolean> {
  const { id, progress, lists, failback = null } = entry;
  const migration = await transaction.get('migrations', id);
  if (migration?.agentId !== agent.id) return true;
  const reported = knownProgress(migration.progress, progress);
  const next = transition(migration.state, eventOf(migration, entry, reported, atMs));
  if (next === 'ignored' || next === 'refused') {
    await recordContact(transaction, migration, progress, atMs);
    return true;
  }
  const sourceWatch =
    next.status === 'COMPLETE' && progress.cutover ? watchAfterCommit(control, progress.cutover, atMs) : undefined;
  const told = eventsBetween(migration.state, next, progress);
  // The last records are always written.
  const isOver = next.endedAtMs !== null;
  const { events, auditRate } = isOver
    ? { events: told, auditRate: undefined }
    : withinRate(told, next.auditRate, atMs);
  const state = { ...next, ...(sourceWatch && { sourceWatch }), ...(auditRate && { auditRate }) };
  // After the end, only the watch needs the source's password.
  const password = state.endedAtMs === null || sourceWatch !== undefined ? migration.password : null;
  const isFailure = progress.state === 'FAILED' && progress.error !== undefined && state.status === 'COMPLETE';
  const known = isFailure ? migration.progress : reported;
  const shown = isFailure && progress.error ? { state: 'FAILED' as const, error: progress.error } : failback;
  await transaction.update('migrations', {
    ...migration,
    state,
    progress: known,
    failback: shown,
    password,
    reportedAtMs: atMs,
    updatedAtMs: atMs,
  });
  await noteSample(transaction, id, reported, atMs);
  const { orgId, groupId } = migration;
  for (const { eventTypeName, details } of events) {
    const about = { liveMigrationId: id, ...details };
    await audit(transaction, authorOf(agent), atMs, { eventTypeName, orgId, groupId, details: about });
  }
  return await takeLists(transaction, id, { lists, isLoaded: progress.since !== null, atMs });
}

/** Returns the events that a report tells of, by the states before and after it. */
function eventsBetween(before: MigrationState, after: MigrationState, { state }: Progress): readonly Announcement[] {
  const events: Announcement[] = [];
  const isNewError = after.error !== null && !isDeepStrictEqual(after.error, before.error);
  if (after.status !== before.status)
    events.push({
      eventTypeName: `LIVE_MIGRATION_${after.status}`,
      ...(state === 'CANCELLED' && { details: { cancelled: true } }),
    });
  else if (after.status !== 'COMPLETE' && isNewError)
    events.push({ eventTypeName: 'LIVE_MIGRATION_CUTOVER_UNFINISHED' });
  // `PLANNED` only follows from the request.
  const [was, is] = [before, after].map(({ failback }) => (isOpen(failback) ? 'OPEN' : failback));
  if (is !== undefined && is !== was && is !== 'PLANNED')
    events.push({ eventTypeName: `LIVE_MIGRATION_FAILBACK_${is}` });
  if (before.windowEndsAtMs === null && after.windowEndsAtMs !== null)
    events.push({ eventTypeName: 'LIVE_MIGRATION_READY' });
  // rule: cutover-of-ready-failback
  if (before.failbackReadyAfter !== after.failbackReadyAfter)
    events.push({ eventTypeName: 'LIVE_MIGRATION_REVERSE_READY', details: { activeSide: activeSide(after) } });
  return events;
}

function authorOf({ host }: Agent): Author {
  return { kind: 'AGENT', name: host, remoteAddress: null };
}

/** @param known  the reported progress, with the fields that an agent that has not opened the migration can't know */
function eventOf(
  migration: Migration,
  { progress, reversals = 0, failback }: ReportedMigration,
  known: Progress,
  atMs: number,
): MigrationEvent {
  switch (progress.state) {
    case 'COMMITTED': {
      const state = { ...(failback && { failback: failback.state }), failbackReady: isReady(failback) };
      const lost = lostRecord(failback?.state === 'FAILED' ? failback.error : undefined);
      return { kind: 'committed', atMs, reversals, ...state, ...lost };
    }
    case 'FAILED': {
      const error = progress.error ?? UNEXPLAINED;
      const lost = lostRecord(progress.error);
      if (lost !== undefined) return { kind: 'failed', error, atMs, ...lost };
      const commit = commitOf(migration, progress, known);
      const more = commit === undefined ? whereUsersAre(migration.state) : howToFinish(migration, known, commit);
      const remedy = `${error.remedy}${more}`.trim();
      return { kind: 'failed', error: { ...error, remedy }, atMs, ...(commit && { commit }) };
    }
    case 'CANCELLED':
      return { kind: 'cancelled', atMs };
    default:
      // An agent that can't open the migration, because the side without users is lost, has closed the failback on record.
      // rule: end-with-lost-side
      if (failback?.state === 'CLOSED' && reversals === lastCutoverOf(migration.state))
        return { kind: 'committed', atMs, reversals, failback: 'CLOSED' };
      return { kind: 'progress', ready: saysReady(progress), atMs, reversals };
  }
}

/** The error that says that the record of a cutover is gone. */
function lostRecord(error: Progress['error']): { readonly recordLost: ErrorData } | undefined {
  return error?.code === 'CUTOVER_RECORD_LOST' ? { recordLost: error } : undefined;
}

function isReady(failback: ReportedMigration['failback']): boolean {
  return failback?.state === 'FOLLOWING' && failback.ready;
}

/**
 * Whether the cutover under way is past its point of no return; undefined when it isn't. It is unknown to an agent that
 * has not read the records, or has sent the commit and got no answer.
 */
function commitOf({ state }: Migration, reported: Progress, known: Progress): 'made' | 'unknown' | undefined {
  if (reported.cutoverReport !== undefined) return 'made';
  if (!ACTIVE_STATUSES.includes(state.status)) return undefined;
  if (known.cutoverReport !== undefined) return 'made';
  if (reported.cutover?.commitSent === true) return 'unknown';
  // rule: unread-records-keep-order
  return reported.since === null && mayBeCommitted(state, known) ? 'unknown' : undefined;
}

/** Explains a failure in a cutover that is, or may be, past its point of no return, and how the cutover is finished. */
function howToFinish({ host, state }: Migration, { canWrite }: Progress, commit: 'made' | 'unknown'): string {
  if (commit === 'unknown')
    return ` The cutover may be past its point of no return: the agent could not read the record that tells. Do not lift a write block. Correct this, then restart the agent on ${host}: it finishes the cutover, or opens the side that it has blocked.`;
  const side = activeSide({ ...state, status: 'COMPLETE' }).toLowerCase();
  const open = canWrite
    ? `users can write to the ${side}, whose unique indexes and expiry are not all restored`
    : 'both sides refuse writes';
  return ` The cutover is past its point of no return: the ${side} is the primary copy, and ${open}. Correct this, then restart the agent on ${host}: it finishes the cutover.`;
}

/** Tells where the users are after the failure of a reversal. */
function whereUsersAre(state: MigrationState): string {
  return state.order.direction === 0
    ? ''
    : ` Users stay on the ${activeSide(state).toLowerCase()}. ${stillBlocked(state)}`;
}
