import { setTimeout as delay } from 'node:timers/promises';

const SHORTEST_POLL_MS = 20;
const LONGEST_POLL_MS = 100;
/** The time between two looks is this part of the wait so far. */
const POLLS = 20;
/** So long that it ends only tests that fail, on a busy machine, too. `npm run mutate`, where most tests fail, sets a shorter one. */
const DEADLINE_MS = 1_000 * Number(process.env.LINKSPAN_TEST_DEADLINE_SECONDS ?? 120);

export interface EventuallyOptions {
  /** Maximum time until the condition holds; two minutes by default. */
  readonly deadlineMs?: number;
  /** Time between two looks; 20 by default, and up to 100 as the wait gets longer. More for conditions that cost processor time to ask. */
  readonly pollMs?: number;
  /** Ends the wait, which then fails with its reason. */
  readonly signal?: AbortSignal;
  /** Names the awaited condition, for the error message after the deadline. */
  readonly what: string;
}

/**
 * Waits until `condition` returns a truthy value, and returns that value. An exception counts as "not yet".
 * No other code of the tests waits by the clock: tests wait for conditions with this function.
 * @throws Error that names `what`, with the condition's last error as its cause
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = DEADLINE_MS, pollMs, signal, what }: EventuallyOptions,
): Promise<NonNullable<T>> {
  const began = Date.now();
  let lastError: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const value = await condition();
      if (value) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    const waitedMs = Date.now() - began;
    if (waitedMs >= deadlineMs) {
      throw new Error(`timed out after ${deadlineMs} ms waiting for ${what}`, { cause: lastError });
    }
    const pauseMs = pollMs ?? Math.min(LONGEST_POLL_MS, Math.max(SHORTEST_POLL_MS, waitedMs / POLLS));
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
