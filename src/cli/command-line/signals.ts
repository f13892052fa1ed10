/** The first signal that asked this process to end. */
export interface CaughtSignals extends Disposable {
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Which one it was. */
  received(): 'SIGINT' | 'SIGTERM' | undefined;
}

/** Catches SIGINT and SIGTERM so that work can end with a checkpoint. A second signal ends the process at once, as if none had been caught. */
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
