import { setTimeout as delay } from 'node:timers/promises';
import { applyFault, type World } from './apply-fault.ts';
import type { Fault } from './fault.ts';

/** Runs a fault when its moment has come. Logs it when the migration ends before. */
export async function placeFault(world: World, fault: Fault, ended: AbortSignal): Promise<void> {
  const over = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()));
  await Promise.race([world.engine.untilReached(fault.moment), over]);
  await delay(fault.afterMs, undefined, { signal: ended }).catch(() => undefined);
  if (ended.aborted) world.log.say(`not met: ${fault.kind} at ${fault.moment}`);
  else await applyFault(world, fault);
}
