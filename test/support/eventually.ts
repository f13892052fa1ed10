import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

export interface EventuallyOptions {
  /** How long the condition may take; 10,000 by default. */
  readonly deadlineMs?: number;
  /** Names the awaited condition, for the error message after the deadline. */
  readonly what: string;
}

/**
 * Waits until `condition` gives something truthy, and returns that. What it throws counts as "not yet".
 * This is the only place of the tests that waits by the clock; everything else waits for a condition through it.
 * @throws Error naming `what`, with the last error of the condition as its cause
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 10_000, what }: EventuallyOptions,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() >= deadline) {
      throw new Error(`waited ${deadlineMs} ms in vain for ${what}`, { cause: lastError });
    }
    await delay(POLL_MS);
  }
}
