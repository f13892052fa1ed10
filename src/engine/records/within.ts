import type { Pace, Records } from './context.ts';

/** Returns the same context for work that also ends when `over` aborts: nothing is retried after that. */
export function within<Context extends Records & Pace>(context: Context, over: AbortSignal): Context {
  const retrier = context.retrier.until(over);
  const signal = AbortSignal.any([context.signal, over]);
  return { ...context, retrier, checkpoint: context.checkpoint.with(retrier), signal };
}
