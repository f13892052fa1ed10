import type { Progress } from '../../engine/index.ts';
import { type Clock, systemClock } from '../../platform/index.ts';
import { viewOf } from './collect.ts';
import type { ProgressRenderer } from './renderer.ts';

/**
 * Shows the progress of something until `signal` aborts, then once more.
 * @param snapshot taken as often as the renderer wants; undefined while there is nothing to show
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
