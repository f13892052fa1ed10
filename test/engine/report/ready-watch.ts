import assert from 'node:assert/strict';
import type { GateName, Progress } from '../../../src/contract/index.ts';
import type { RunningMigration } from '../running-migration.ts';

const LOOK_EVERY_MS = 5;

/**
 * Watches a migration until it is disposed of, and fails then if it was ready at a moment when it may not be.
 * @param mayBeReady  evaluated at each moment in which it is ready
 */
export function watchReadiness(running: RunningMigration, mayBeReady: () => boolean): Disposable {
  let lie: Progress | undefined;
  const timer = setInterval(() => {
    const { progress } = running;
    if (progress.readyForCutover && !mayBeReady()) lie ??= progress;
  }, LOOK_EVERY_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      assert.equal(lie, undefined, `it was ready: ${JSON.stringify(lie?.readiness)}`);
    },
  };
}

/** Returns one gate of a migration. */
export function gateOf({ readiness }: Progress, name: GateName): Progress['readiness'][number] | undefined {
  return readiness.find((gate) => gate.name === name);
}

/** Names of the gates that hold a cutover back, and of the advice that is not followed. */
export function openGates({ readiness }: Progress): string[] {
  return readiness.filter(({ state }) => state !== 'PASSED' && state !== 'SKIPPED').map(({ name }) => name);
}
