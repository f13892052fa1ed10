import { type ErrorData, type Progress, type Stage, workStageOf } from '../../contract/index.ts';

/** A progress snapshot, ready to show. Renderers compute nothing. */
export interface ProgressView {
  readonly atMs: number;
  /** Programs read it in the field `stage`. */
  readonly stage: Stage;
  readonly progress: Progress;
  /** The problems since the cutover, the worst first. */
  readonly problems: readonly ErrorData[];
  /** Completed part of the present work, from 0 to 1; null if unknown. */
  readonly fraction: number | null;
}

/**
 * @param atMs  time of the snapshot
 * @param problems  the problems since the cutover, the worst first
 */
export function viewOf(
  progress: Progress,
  stage: Stage,
  atMs: number,
  problems: readonly ErrorData[] = [],
): ProgressView {
  return { atMs, stage, progress, problems, fraction: stage === 'COMPLETE' ? 1 : fractionOf(progress) };
}

function fractionOf(progress: Progress): number | null {
  const { copy, indexes, repairs, verification } = progress;
  switch (workStageOf(progress)) {
    case 'COPYING':
      return part(copy.bytesCopied, copy.bytesTotal);
    case 'BUILDING_INDEXES':
      return part(indexes.built, indexes.total);
    case 'REPAIRING':
      return repairs && part(repairs.collectionsDone, repairs.collections);
    case 'VERIFYING':
      return part(verification.bytesCompared, verification.bytesTotal);
    default:
      return null;
  }
}

function part(done: number, total: number): number | null {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : null;
}
