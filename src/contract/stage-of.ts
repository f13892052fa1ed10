import type { Gate } from './gate.ts';
import type { GateName } from './gates.ts';
import type { MigrationStatus } from './migration-status.ts';
import type { WantedState } from './order.ts';
import type { Progress } from './progress.ts';
import { sourceBlockedSince } from './source-blocked-since.ts';
import type { Stage } from './stages.ts';

/** The part of a progress on which the stage depends. */
export type Work = Pick<
  Progress,
  'state' | 'copy' | 'repairs' | 'verification' | 'readiness' | 'readyForCutover' | 'waiting'
>;

/** The facts, beside the engine's progress, that decide about a stage. */
export interface StageFacts {
  /** Whether the migration has ended, as far as the answering program knows. */
  readonly status: MigrationStatus;
  /** The operator's last request. */
  readonly wanted: WantedState;
  readonly isAgentLost: boolean;
  /** Whether the source refuses users' writes, or may do so. */
  readonly isBlocked: boolean;
  /** Whether something has gone wrong since the cutover. */
  readonly hasProblems: boolean;
}

const ENDED: Partial<Readonly<Record<Progress['state'], StageFacts['status']>>> = {
  COMMITTED: 'COMPLETE',
  CANCELLED: 'FAILED',
  FAILED: 'FAILED',
};

/** @param work  null before the first report */
export function stageOf(facts: StageFacts, work: Work | null): Stage {
  const { status, wanted } = facts;
  if (status === 'COMPLETE') return facts.hasProblems ? 'COMPLETE_WITH_PROBLEMS' : 'COMPLETE';
  if (status === 'EXPIRED') return 'EXPIRED';
  if (status === 'FAILED') return wanted === 'CANCELLED' || work?.state === 'CANCELLED' ? 'CANCELLED' : 'FAILED';
  if (facts.isAgentLost) return 'AGENT_LOST';
  if (wanted === 'CANCELLED') return 'CANCELLING';
  if (wanted === 'CUTOVER' || facts.isBlocked) return 'CUTTING_OVER';
  if (status === 'NEW') return 'WAITING_TO_START';
  if (wanted === 'PAUSED') return work?.state === 'PAUSED' ? 'PAUSED' : 'PAUSING';
  if (work === null) return 'PREPARING';
  if (work.state === 'PAUSED') return 'RESUMING';
  const stage = workStageOf(work);
  if (stage === 'CUTTING_OVER') return stage;
  if (isGate(work, 'DROPS', 'BLOCKED')) return 'DROPS_HELD';
  if (work.verification.mismatches.open > 0) return 'DIFFERENT';
  return work.waiting.length > 0 ? 'WAITING' : stage;
}

/** Returns the stage of a migration whose engine runs in this process. */
export function stageOfRun(progress: Progress, wanted: StageFacts['wanted'], hasProblems: boolean): Stage {
  const status = ENDED[progress.state] ?? 'WORKING';
  const isBlocked = sourceBlockedSince(progress) !== null;
  return stageOf({ status, wanted, isAgentLost: false, isBlocked, hasProblems }, progress);
}

/** Returns the work of the engine, regardless of obstacles and requests. */
export function workStageOf(work: Work): Stage {
  const { state, copy, repairs, verification, readyForCutover } = work;
  const isCopied = copy.collectionsTotal > 0 && copy.collectionsDone >= copy.collectionsTotal;
  const repairsHistory = repairs !== null && repairs.collectionsDone < repairs.collections;
  switch (state) {
    case 'CREATED':
    case 'PREPARING':
      return 'PREPARING';
    case 'COPYING':
      if (!isCopied) return 'COPYING';
      return repairsHistory ? 'REPAIRING' : 'BUILDING_INDEXES';
    case 'FOLLOWING':
      if (repairsHistory) return 'REPAIRING';
      if (readyForCutover) return 'READY';
      // A migration that lags compares documents that are out of date.
      return verification.phase === 'COMPARING' && !isGate(work, 'LAG', 'WAITING') ? 'VERIFYING' : 'CATCHING_UP';
    case 'PAUSED':
      return 'PAUSED';
    case 'COMMITTING':
      return 'CUTTING_OVER';
    case 'COMMITTED':
      return 'COMPLETE';
    case 'CANCELLED':
      return 'CANCELLED';
    case 'FAILED':
      return 'FAILED';
  }
}

function isGate({ readiness }: Work, name: GateName, state: Gate['state']): boolean {
  return readiness.some((gate) => gate.name === name && gate.state === state);
}
