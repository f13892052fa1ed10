import { unlessAborted } from '../concurrency/unless-aborted.ts';

/** Commands at a time: enough to use a distant server well, and few enough not to slow its users. */
const AT_A_TIME = 16;

/** How long a check may take, after its time is up, to return what it has. */
const GRACE_MS = 500;

/** The time limit of an examination. */
export interface TimeLimit {
  readonly ms: number;
  /** From here on, no new work begins. */
  readonly soft: AbortSignal;
  /** From here on, nothing is awaited. */
  readonly hard: AbortSignal;
}

export function timeLimit(ms: number): TimeLimit {
  return { ms, soft: AbortSignal.timeout(ms), hard: AbortSignal.timeout(ms + GRACE_MS) };
}

const never = new AbortController().signal;
export const NO_LIMIT: TimeLimit = { ms: Number.POSITIVE_INFINITY, soft: never, hard: never };

/**
 * Works on the items, several at a time, until the signal aborts.
 * @returns the results so far, in no order, and the number of items left
 */
export async function sweep<T, R>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T) => Promise<R>,
): Promise<{ readonly results: readonly R[]; readonly left: number }> {
  const results: R[] = [];
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) {
      if (signal.aborted) return;
      results.push(await work(item));
    }
  };
  await unlessAborted(Promise.all(Array.from({ length: AT_A_TIME }, worker)), signal);
  const done = [...results];
  return { results: done, left: items.length - done.length };
}
