import type { Retrier } from '../mongodb/retry.ts';
import type { RetryingCheckpointStore } from './retrying-checkpoint-store.ts';

/** The parts of a run that keep trying until a signal aborts. */
export interface ScopedParts {
  readonly retrier: Retrier;
  readonly checkpoint: RetryingCheckpointStore;
  readonly signal: AbortSignal;
}

/** Returns the same parts for work that also ends when `over` aborts: nothing is retried after that. */
export function within<Parts extends ScopedParts>(parts: Parts, over: AbortSignal): Parts {
  const retrier = parts.retrier.until(over);
  const signal = AbortSignal.any([parts.signal, over]);
  return { ...parts, retrier, checkpoint: parts.checkpoint.with(retrier), signal };
}
