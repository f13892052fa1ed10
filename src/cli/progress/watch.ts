import type { Progress } from '../../engine/index.ts';
import { type Clock, type Problem, systemClock } from '../../platform/index.ts';
import { viewOf } from './collect.ts';
import type { ProgressRenderer } from './renderer.ts';

interface WatchOptions {
  readonly clock?: Clock;
  /** Returns what has gone wrong since the cutover, the worst first. */
  readonly problems?: () => readonly Problem[];
}

/**
 * Shows progress until `signal` aborts, then the final state.
 * @param snapshot  returns the current progress; undefined while there is none
 */
export async function watchProgress(
  snapshot: () => Progress | undefined,
  renderer: ProgressRenderer,
  signal: AbortSignal,
  { clock = systemClock, problems = () => [] }: WatchOptions = {},
): Promise<void> {
  const view = () => {
    const progress = snapshot();
    return progress && viewOf(progress, clock.now(), problems());
  };
  while (!signal.aborted) {
    const current = view();
    if (current) renderer.show(current);
    await clock.sleep(renderer.everyMs, signal);
  }
  const last = view();
  if (last) renderer.finish(last);
}
