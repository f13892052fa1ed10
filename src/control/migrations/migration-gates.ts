import { areReady, dateOrNull, type Gate, type GateName, type Progress, refusalsOf } from '../../contract/index.ts';
import { LOST_AFTER_MS } from '../links/agent-contact.ts';
import { ACTIVE_STATUSES } from '../records/migration-state.ts';
import type { Agent, Migration } from '../records/records.ts';
import { contactOfMigration } from './migration-contact.ts';

/** The checklist of a migration: the control plane's own gates, and those that the engine reported. */
interface MigrationGates {
  readonly all: readonly Gate[];
  /** Whether a cutover may begin. */
  readonly areReady: boolean;
  /** Why it may not: the control plane's reasons, or else the engine's. */
  readonly refusals: readonly string[];
}

const HOUR_MS = 3_600_000;

/** Returns the gates of a migration; none once it has ended. */
export function gatesOfMigration(migration: Migration, agent: Agent | undefined, nowMs: number): MigrationGates {
  const { state, progress } = migration;
  if (!ACTIVE_STATUSES.includes(state.status)) return { all: [], areReady: false, refusals: [] };
  const heard = agentGate(migration, agent, nowMs);
  const own = [requestGate(migration, nowMs), windowGate(migration, nowMs), heard];
  // rule: doubt-silent-agent
  const engine = reportedGates(progress).map((gate) => (heard.state === 'PASSED' ? gate : outdated(gate, heard)));
  const all = [...own, ...engine];
  const isReady = state.status === 'WORKING' && state.readyForCutover && areReady(all);
  const refusals = refusalsOf(areReady(own) ? engine : own);
  const because = refusals.length > 0 ? refusals : ['its agent has not reported that it is ready'];
  return { all, areReady: isReady, refusals: isReady ? [] : because };
}

/** Whether a report says that its migration is ready. Its gates count, too: both have to say so. */
export function saysReady({ readyForCutover, readiness }: Progress): boolean {
  return readyForCutover && areReady(readiness);
}

/** The gates of the last report. There are none before the first, and while the agent has not opened this direction again. */
function reportedGates(progress: Progress | null): readonly Gate[] {
  if (progress !== null && progress.readiness.length > 0) return progress.readiness;
  return [gate('RUNNING', 'WAITING', progress?.notReadyReasons ?? [], null)];
}

/** Returns a gate as unknown: the agent that reported it is silent. */
function outdated(reported: Gate, { reasons }: Gate): Gate {
  if (reported.state === 'SKIPPED') return reported;
  return { ...reported, state: 'UNKNOWN', reasons: [...reasons, ...reported.reasons], etaSeconds: null };
}

function agentGate(migration: Migration, agent: Agent | undefined, nowMs: number): Gate {
  const { host } = migration;
  const contact = agent && contactOfMigration(migration, agent, nowMs);
  const lastMs = agent && (contact?.lastReportAtMs ?? agent.createdAtMs);
  const isHeard = contact?.status === 'CONNECTED';
  const what = contact?.isLeftOut ? ' this migration' : '';
  const since = lastMs === undefined ? '' : ` since ${new Date(lastMs).toISOString()}`;
  return gate(
    'AGENT',
    isHeard ? 'PASSED' : contact?.status === 'RESUMING' ? 'WAITING' : 'BLOCKED',
    isHeard ? [] : [`the agent on ${host} has not reported${what}${since}`],
    nowMs,
    {
      value: lastMs === undefined ? null : Math.max(0, Math.floor((nowMs - lastMs) / 1_000)),
      limit: LOST_AFTER_MS / 1_000,
    },
  );
}

function requestGate(
  {
    state: {
      order: { wanted },
    },
  }: Migration,
  nowMs: number,
): Gate {
  const reasons = {
    RUNNING: [],
    PAUSED: ['it is paused'],
    CUTOVER: ['its cutover was requested'],
    CANCELLED: ['it is being cancelled'],
  };
  const isHeld = wanted === 'PAUSED' || wanted === 'CANCELLED';
  return gate('REQUEST', wanted === 'RUNNING' ? 'PASSED' : isHeld ? 'BLOCKED' : 'WAITING', reasons[wanted], nowMs);
}

function windowGate({ state: { windowEndsAtMs } }: Migration, nowMs: number): Gate {
  if (windowEndsAtMs === null) return gate('WINDOW', 'SKIPPED', ['it begins when the migration is ready'], nowMs);
  const leftMs = windowEndsAtMs - nowMs;
  const value = Math.max(0, Math.floor(leftMs / HOUR_MS));
  if (leftMs > 0) return gate('WINDOW', 'PASSED', [], nowMs, { value });
  return gate('WINDOW', 'BLOCKED', ['its cutover window has expired'], nowMs, { value });
}

function gate(
  name: GateName,
  state: Gate['state'],
  reasons: readonly string[],
  measuredAtMs: number | null,
  more: Partial<Gate> = {},
): Gate {
  return {
    name,
    state,
    value: null,
    limit: null,
    reasons,
    measuredAt: dateOrNull(measuredAtMs),
    etaSeconds: null,
    ...more,
  };
}
