import type { DialRules } from '../../platform/index.ts';
import type { AbandonedCutover } from './open-abandoned-source.ts';

/**
 * Lines after the order: the engine is about to block the source, or works under the block; the block is settled. The
 * end of the pipe means that the engine is gone.
 */
export const ALIVE = 'alive';
export const DONE = 'done';

/** The engine's first message to its watchdog, as a line of JSON. */
export interface WatchdogOrder extends AbandonedCutover {
  /** The longest silence after the first `ALIVE`. Before that nothing is blocked, and what the engine waits for may take long. */
  readonly deadlineMs: number;
  /** The rules of the engine's own connections. */
  readonly dialRules: DialRules | undefined;
}
