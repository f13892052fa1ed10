import type { Retrier } from './retry.ts';

/** Returns the same parts for work that also ends when `over` aborts: nothing is retried after that. */
export function within<Parts extends { readonly retrier: Retrier; readonly signal: AbortSignal }>(
  parts: Parts,
  over: AbortSignal,
): Parts {
  return { ...parts, retrier: parts.retrier.until(over), signal: AbortSignal.any([parts.signal, over]) };
}
