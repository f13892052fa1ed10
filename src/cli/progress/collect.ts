import type { Progress } from '../../engine/index.ts';
import type { Problem } from '../../platform/index.ts';

/** The phases of a migration that the CLI shows. Programs read them in the field `phase`. */
export type Phase =
  | 'preparing'
  | 'copying'
  | 'building indexes'
  | 'catching up'
  | 'repairing'
  | 'verifying'
  | 'in sync'
  | 'paused'
  | 'cutting over'
  | 'done'
  /** The cutover is complete, and something has gone wrong since. */
  | 'done with problems'
  | 'cancelled'
  | 'failed';

/** A progress snapshot, ready to show. Renderers compute nothing. */
export interface ProgressView {
  readonly atMs: number;
  readonly phase: Phase;
  readonly progress: Progress;
  /** The problems since the cutover, the worst first. */
  readonly problems: readonly Problem[];
  /** Completed part of this phase, from 0 to 1; null if unknown. */
  readonly fraction: number | null;
}

/**
 * @param atMs  time of the snapshot
 * @param problems  what has gone wrong since the cutover, the worst first
 */
export function viewOf(progress: Progress, atMs: number, problems: readonly Problem[] = []): ProgressView {
  const phase = problems.length > 0 ? 'done with problems' : phaseOf(progress);
  return { atMs, phase, progress, problems, fraction: fractionOf(phase, progress) };
}

function phaseOf({ state, copy, readyForCutover, repairs, verification }: Progress): Phase {
  const isCopied = copy.collectionsTotal > 0 && copy.collectionsDone >= copy.collectionsTotal;
  const isSuspect = repairs !== null && repairs.collectionsDone < repairs.collections;
  if (isSuspect && (state === 'tailing' || (state === 'copying' && isCopied))) return 'repairing';
  switch (state) {
    case 'created':
    case 'preparing':
      return 'preparing';
    case 'copying':
      return isCopied ? 'building indexes' : 'copying';
    case 'tailing':
      if (readyForCutover) return 'in sync';
      return verification.phase === 'comparing' ? 'verifying' : 'catching up';
    case 'committing':
      return 'cutting over';
    case 'committed':
      return 'done';
    default:
      return state;
  }
}

function fractionOf(phase: Phase, { copy, indexes, repairs, verification }: Progress): number | null {
  if (phase === 'repairing' && repairs !== null) return part(repairs.collectionsDone, repairs.collections);
  if (phase === 'copying') return part(copy.bytesCopied, copy.bytesTotal);
  if (phase === 'building indexes') return part(indexes.built, indexes.total);
  if (phase === 'verifying') return part(verification.bytesCompared, verification.bytesTotal);
  return phase === 'done' ? 1 : null;
}

function part(done: number, total: number): number | null {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : null;
}
