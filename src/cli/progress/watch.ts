import { type ErrorData, type Progress, type StageFacts, stageOfRun } from '../../contract/index.ts';
import { type Clock, systemClock } from '../../platform/index.ts';
import { viewOf } from './collect.ts';
import type { ProgressRenderer } from './renderer.ts';

interface WatchOptions {
  readonly clock?: Clock;
  /** Returns the operator's last request. */
  readonly wanted?: () => StageFacts['wanted'] | undefined;
  /** Returns the problems since the cutover, the worst first. */
  readonly problems?: () => readonly ErrorData[];
}

/**
 * Shows progress until `signal` aborts, then the final state.
 * @param snapshot  returns the current progress; undefined while there is none
 */
export async function watchProgress(
  snapshot: () => Progress | undefined,
  renderer: ProgressRenderer,
  signal: AbortSignal,
  { clock = systemClock, wanted = () => undefined, problems = () => [] }: WatchOptions = {},
): Promise<void> {
  const view = () => {
    const progress = snapshot();
    if (progress === undefined) return undefined;
    const found = problems();
    return viewOf(progress, stageOfRun(progress, wanted() ?? 'RUNNING', found.length > 0), clock.now(), found);
  };
  while (!signal.aborted) {
    const current = view();
    if (current) renderer.show(current);
    await clock.sleep(renderer.everyMs, signal);
  }
  const last = view();
  if (last) renderer.finish(last);
}
