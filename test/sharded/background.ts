import { setTimeout as delay } from 'node:timers/promises';

/** Without a pause, writes take all of a small machine's time. */
const PAUSE_MS = 10;

/** Work that repeats until it fails or is stopped. Disposing stops it. */
interface BackgroundWork extends AsyncDisposable {
  /** Resolves with the error that ended the work; undefined when it was stopped. */
  readonly ended: Promise<unknown>;
  /** Ends the work after its current round. */
  stop(): Promise<unknown>;
}

/** Repeats a round of work, one after the other. */
export function runInBackground(round: () => Promise<void>): BackgroundWork {
  let stopped = false;
  const ended = (async () => {
    try {
      while (!stopped) {
        await round();
        await delay(PAUSE_MS);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  })();
  const stop = () => {
    stopped = true;
    return ended;
  };
  return { ended, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}
