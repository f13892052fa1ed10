/**
 * Named points where a test can pause or kill the process. In production nothing listens, and reaching a point costs one map lookup.
 *
 * A test in the same process registers a listener. A test of another process sets `LINKSPAN_TEST_FAILPOINT=<name>[@<n>]=kill|stop`:
 * when the process reaches the point for the n-th time (by default the first), it sends itself SIGKILL or SIGSTOP.
 */
type Listener = () => void | Promise<void>;

const listeners = new Map<string, Listener>();
const outer = parseOuter(process.env.LINKSPAN_TEST_FAILPOINT);

/** Reports that the code reached the named point; resolves when the listener lets it continue. */
export async function failpoint(name: string): Promise<void> {
  if (outer?.name === name && --outer.countdown === 0) process.kill(process.pid, outer.signal);
  await listeners.get(name)?.();
}

/** Calls `listener` each time the code reaches the named point. Disposing removes the listener. */
export function onFailpoint(name: string, listener: Listener): Disposable {
  listeners.set(name, listener);
  return { [Symbol.dispose]: () => void listeners.delete(name) };
}

function parseOuter(text: string | undefined): { name: string; countdown: number; signal: NodeJS.Signals } | undefined {
  const match = /^([\w.-]+)(?:@(\d+))?=(kill|stop)$/.exec(text ?? '');
  if (!match?.[1]) return undefined;
  return { name: match[1], countdown: Number(match[2] ?? 1), signal: match[3] === 'kill' ? 'SIGKILL' : 'SIGSTOP' };
}
