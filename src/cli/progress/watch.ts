import type { Progress } from '../../engine/index.ts';
import { type Clock, systemClock } from '../../platform/index.ts';
import { viewOf } from './collect.ts';
import type { ProgressRenderer } from './renderer.ts';

/**
 * Shows progress until `signal` aborts, then the final state.
 * @param snapshot  returns the current progress; undefined while there is none
 */
export async function watchProgress(
  snapshot: () => Progress | undefined,
  renderer: ProgressRenderer,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const view = () => {
    const progress = snapshot();
    return progress && viewOf(progress, clock.now());
  };
  while (!signal.aborted) {
    const current = view();
    if (current) renderer.show(current);
    await clock.sleep(renderer.everyMs, signal);
  }
  const last = view();
  if (last) renderer.finish(last);
}
