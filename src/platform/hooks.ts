/**
 * Named points where a test can stop the world. In production nothing listens, and reaching a point costs one map look-up.
 *
 * A test in the same process registers a listener. A test of another process sets `LINKSPAN_TEST_HOOK=<name>[@<n>]=kill|stop`:
 * the n-th time (the first by default) that the point is reached, the process sends itself SIGKILL or SIGSTOP.
 */
type Listener = () => void | Promise<void>;

const listeners = new Map<string, Listener>();
const outer = parseOuter(process.env.LINKSPAN_TEST_HOOK);

/** Says that the named point is reached; resolves when whoever listens lets it go on. */
export async function reach(name: string): Promise<void> {
  if (outer?.name === name && --outer.countdown === 0) process.kill(process.pid, outer.signal);
  await listeners.get(name)?.();
}

/** Calls `listener` each time the named point is reached. Disposing ends that. */
export function onReach(name: string, listener: Listener): Disposable {
  listeners.set(name, listener);
  return { [Symbol.dispose]: () => void listeners.delete(name) };
}

function parseOuter(text: string | undefined): { name: string; countdown: number; signal: NodeJS.Signals } | undefined {
  const match = /^([\w.-]+)(?:@(\d+))?=(kill|stop)$/.exec(text ?? '');
  if (!match?.[1]) return undefined;
  return { name: match[1], countdown: Number(match[2] ?? 1), signal: match[3] === 'kill' ? 'SIGKILL' : 'SIGSTOP' };
}
