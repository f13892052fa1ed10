import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../platform/index.ts';
import { tell } from '../terminal/index.ts';

/** Codes of requests that may succeed later. */
const PASSING: readonly string[] = ['API_UNREACHABLE', 'API_BEHIND_PROXY', 'API_RATE_LIMITED'];
const EVERY_MS = 1_000;

/**
 * Fetches a record again and again, and yields each. While the server is unreachable or takes no more requests, it says so once, and tries again.
 * @param look  fetches the record
 * @param stop  ends it at once
 * @param everyMs  how long it waits after a look
 * @throws the other errors of `look`
 */
export async function* lookAgain<Found>(
  look: () => Promise<Found>,
  stop: AbortSignal,
  everyMs = EVERY_MS,
): AsyncGenerator<Found, void> {
  const stopped = new Promise<undefined>((resolve) => stop.addEventListener('abort', () => resolve(undefined)));
  let isAway = false;
  while (!stop.aborted) {
    let waitMs = everyMs;
    try {
      const found = await Promise.race([look(), stopped]);
      if (found === undefined) return;
      isAway = false;
      yield found;
    } catch (error) {
      if (!(error instanceof UserError && PASSING.includes(error.code))) throw error;
      if (!isAway) tell('linkspan', `${error.message} Trying again.`, 'warning');
      isAway = true;
      if (error.code === 'API_RATE_LIMITED') waitMs = Math.max(everyMs, (Number(error.parameters[0]) || 0) * 1_000);
    }
    await Promise.race([delay(waitMs), stopped]);
  }
}
