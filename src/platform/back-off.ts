/** The delays between the attempts of one operation, in milliseconds. */
interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Beyond this, doubling changes nothing, and a power of two would become infinite. */
const DOUBLINGS = 30;

/** Returns the delay after a number of consecutive failures, at least one: it doubles with each up to the longest. */
export function delayAfter(failures: number, { firstMs, longestMs }: BackOff): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, DOUBLINGS));
}
