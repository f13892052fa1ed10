import { onFailpoint } from '../../src/platform/index.ts';

/** A named point of the engine where a test holds it. Disposing releases it. */
export interface HeldPoint extends Disposable {
  /** Resolves when the engine is held for the first time. */
  readonly reached: Promise<void>;
  /** Lets the engine continue, here and every time after. */
  release(): void;
}

/**
 * Holds the engine each time that it reaches the named point, until `release()`.
 * @param after  how many arrivals pass before
 * @param times  how many arrivals are held; later ones, also those of other engines, pass
 */
export function holdAt(point: string, { after = 0, times = Number.POSITIVE_INFINITY } = {}): HeldPoint {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let arrivals = 0;
  const listening = onFailpoint(point, async () => {
    arrivals += 1;
    if (arrivals <= after || arrivals > after + times) return;
    reached.resolve();
    await released.promise;
  });
  const dispose = () => {
    released.resolve();
    listening[Symbol.dispose]();
  };
  return { reached: reached.promise, release: () => released.resolve(), [Symbol.dispose]: dispose };
}

/** An action that a test runs at a named point of the engine. */
export interface ActionAtPoint<T> extends Disposable {
  /** The action's result; undefined until the engine reached the point. */
  readonly result: Promise<T> | undefined;
}

/** Runs `action` when the engine reaches the named point for the first time. The engine waits there until the action has ended. */
export function onceAt<T>(point: string, action: () => Promise<T>): ActionAtPoint<T> {
  let result: Promise<T> | undefined;
  const listening = onFailpoint(point, async () => {
    result ??= action();
    await result;
  });
  return {
    get result() {
      return result;
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}
