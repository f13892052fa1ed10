import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { messageOf } from '../text.ts';
import { unlessSessionEnded } from './session.ts';

const EVERY_MS = 5000;

/** Something of the API that is asked for again and again while its page is shown. */
export interface Polled<Value> {
  /** Undefined until the first answer. */
  readonly value: Signal<Value | undefined>;
  /** When the server last answered, by this browser's clock. */
  readonly heardAtMs: Signal<number>;
  /** Why the last request failed, in words; undefined once the server has answered again. */
  readonly problem: Signal<string | undefined>;
  /** Asks at once, such as after a change. */
  readonly reload: () => Promise<void>;
}

interface PollOptions {
  /** Another key begins anew, with its own `read`. */
  readonly key?: string;
  /** Milliseconds between two reads; five seconds by default. */
  readonly everyMs?: number;
}

/** Reads now, then again and again while the page is shown. */
export function usePolled<Value>(
  read: (signal: AbortSignal) => Promise<Value>,
  { key = '', everyMs = EVERY_MS }: PollOptions = {},
): Polled<Value> {
  const value = useSignal<Value | undefined>(undefined);
  const heardAtMs = useSignal(0);
  const problem = useSignal<string | undefined>(undefined);
  const { left, reload } = useMemo(() => {
    const controller = new AbortController();
    let asked = 0;
    const ask = async () => {
      asked += 1;
      const own = asked;
      try {
        const answer = await read(controller.signal);
        // A change was made meanwhile, and a later request shows it.
        if (own !== asked || controller.signal.aborted) return;
        value.value = answer;
        heardAtMs.value = Date.now();
        problem.value = undefined;
      } catch (error) {
        const other = controller.signal.aborted ? undefined : unlessSessionEnded(error);
        if (other !== undefined) problem.value = messageOf(other);
      }
    };
    return { left: controller, reload: ask };
  }, [key]);
  useEffect(() => {
    const ask = () => {
      if (!document.hidden) void reload();
    };
    ask();
    const timer = setInterval(ask, everyMs);
    document.addEventListener('visibilitychange', ask);
    return () => {
      document.removeEventListener('visibilitychange', ask);
      clearInterval(timer);
      left.abort();
    };
  }, [key]);
  return { value, heardAtMs, problem, reload };
}
