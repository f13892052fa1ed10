/** The first signal that asked this process to end. */
export interface CaughtSignals extends Disposable {
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** The signal that was received; undefined before the first one. */
  received(): 'SIGINT' | 'SIGTERM' | undefined;
}

/** Catches the first SIGINT or SIGTERM, so that work can end with a checkpoint. A second signal has its default effect and ends the process at once. */
export function catchSignals(): CaughtSignals {
  const controller = new AbortController();
  let first: 'SIGINT' | 'SIGTERM' | undefined;
  const names = ['SIGINT', 'SIGTERM'] as const;
  const listener = (name: NodeJS.Signals) => {
    first = name === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
    forget();
    controller.abort();
  };
  const forget = () => {
    for (const name of names) process.off(name, listener);
  };
  for (const name of names) process.on(name, listener);
  return { signal: controller.signal, received: () => first, [Symbol.dispose]: forget };
}
