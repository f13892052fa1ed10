import type { Progress } from '../../engine/index.ts';
import { RateWindow } from './rate-window.ts';

/** What a person calls the part of a migration that is going on. */
export type Phase =
  | 'preparing'
  | 'copying'
  | 'building indexes'
  | 'catching up'
  | 'repairing'
  | 'in step'
  | 'paused'
  | 'cutting over'
  | 'done'
  | 'cancelled'
  | 'failed';

/** A snapshot together with what only a series of them can say. Renderers show it and compute nothing. */
export interface ProgressView {
  readonly atMs: number;
  readonly phase: Phase;
  readonly progress: Progress;
  /** 0 to 1 of this phase; null where its end is not known. */
  readonly fraction: number | null;
  /** Null while too little was seen. */
  readonly bytesPerSecond: number | null;
  readonly documentsPerSecond: number | null;
  readonly changesPerSecond: number | null;
  /** Until this phase is over; null where nobody can say. */
  readonly etaSeconds: number | null;
}

/** Turns a series of snapshots into views: rates over a window, and an ETA for the phase that is going on. */
export class ProgressCollector {
  readonly #bytes = new RateWindow();
  readonly #documents = new RateWindow();
  readonly #changes = new RateWindow();
  readonly #lag = new RateWindow();
  readonly #indexes = new RateWindow();
  #phase: Phase | undefined;

  /** @param atMs when `progress` was taken; never earlier than the one before */
  collect(progress: Progress, atMs: number): ProgressView {
    const phase = phaseOf(progress);
    if (phase !== this.#phase) {
      for (const window of [this.#bytes, this.#documents, this.#changes, this.#lag, this.#indexes]) window.reset();
      this.#phase = phase;
    }
    this.#bytes.add(atMs, progress.copy.bytesCopied);
    this.#documents.add(atMs, progress.copy.documentsCopied);
    this.#changes.add(atMs, progress.changes.applied);
    this.#indexes.add(atMs, progress.indexes.built);
    if (progress.lagSeconds !== null) this.#lag.add(atMs, progress.lagSeconds);
    const bytesPerSecond = this.#bytes.perSecond();
    return {
      atMs,
      phase,
      progress,
      fraction: fractionOf(phase, progress),
      bytesPerSecond,
      documentsPerSecond: this.#documents.perSecond(),
      changesPerSecond: this.#changes.perSecond(),
      etaSeconds: this.#etaSeconds(phase, progress, bytesPerSecond),
    };
  }

  #etaSeconds(phase: Phase, { copy, indexes, lagSeconds }: Progress, bytesPerSecond: number | null): number | null {
    switch (phase) {
      case 'copying':
        return quotient(copy.bytesTotal - copy.bytesCopied, bytesPerSecond);
      case 'building indexes':
        return quotient(indexes.total - indexes.built, this.#indexes.perSecond());
      case 'catching up': {
        const falling = this.#lag.perSecond();
        return lagSeconds === null || falling === null ? null : quotient(lagSeconds, -falling);
      }
      default:
        return null;
    }
  }
}

function phaseOf({ state, copy, readyForCutover, repairs }: Progress): Phase {
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
      return readyForCutover ? 'in step' : 'catching up';
    case 'committing':
      return 'cutting over';
    case 'committed':
      return 'done';
    default:
      return state;
  }
}

function fractionOf(phase: Phase, { copy, indexes, repairs }: Progress): number | null {
  if (phase === 'repairing' && repairs !== null) return part(repairs.collectionsDone, repairs.collections);
  if (phase === 'copying') return part(copy.bytesCopied, copy.bytesTotal);
  if (phase === 'building indexes') return part(indexes.built, indexes.total);
  return phase === 'done' ? 1 : null;
}

function part(done: number, total: number): number | null {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : null;
}

function quotient(left: number, perSecond: number | null): number | null {
  return perSecond !== null && perSecond > 0 ? Math.max(0, left / perSecond) : null;
}
