import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { dialRules, messageOf } from '../../platform/index.ts';
import type { Clusters, Telling } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { mayBlockSource } from '../records/records.ts';
import type { Claim } from './block-history.ts';
import { hasEnded, SpareWatchdog } from './spare-watchdog.ts';
import { ALIVE, DONE, type WatchdogOrder } from './watchdog-messages.ts';

/** Much longer than any pause that the engine allows: by then it has stopped acting. */
const DEADLINE_MS = 5 * 60_000;
const READY_WITHIN_MS = 10_000;

/**
 * A process that opens the source again when the engine doesn't. Disposing ends it, unless the block isn't settled:
 * then it stays to act.
 */
export interface Watchdog extends Disposable {
  /** Whether it has started and ended since, so that nothing opens the source if the engine is killed. */
  readonly hasEnded: boolean;
  /** Reports that the engine is about to block the source, or works under the block: the deadline starts, or starts again. */
  keepQuiet(): void;
  /** Reports that the block is settled, and ends the process. */
  standDown(): void;
}

/**
 * Orders a process to open the source again when this one is killed, or hangs, between the block and the point of no
 * return. It has a session of its own. It receives addresses over a pipe, because they contain passwords. Must be
 * started before the block.
 */
export async function startWatchdog(
  context: Clusters & Telling,
  log: MigrationLog,
  claim: Claim,
  deadlineMs = DEADLINE_MS,
): Promise<Watchdog> {
  const order: WatchdogOrder = {
    claim,
    ...context.addresses,
    deadlineMs,
    dialRules: dialRules(),
  };
  const child = SpareWatchdog.take();
  const { stdin, stdout } = child;
  stdin.write(`${JSON.stringify(order)}\n`);
  let hasStarted = false;
  try {
    const signal = AbortSignal.timeout(READY_WITHIN_MS);
    // rule: watchdog-that-never-starts
    await Promise.race([once(stdout, 'data', { signal }), ended(stdout, signal)]);
    hasStarted = true;
  } catch (error) {
    context.logger.warn(
      { event: 'cutover.without_watchdog', reason: messageOf(error) },
      'The cutover continues without a watchdog',
    );
  }
  // rule: watchdog-while-blocked
  stdout.destroy();
  let hasDeadline = false;
  const keepQuiet = () => {
    hasDeadline = true;
    stdin.write(`${ALIVE}\n`);
  };
  const standDown = () => void stdin.end(`${DONE}\n`);
  return {
    get hasEnded() {
      return hasStarted && hasEnded(child);
    },
    keepQuiet,
    standDown,
    [Symbol.dispose]: () => {
      // rule: watchdog-acts-until-settled
      if (!mayBlockSource(log.record)) standDown();
      // Without a deadline it would wait for the end of this process.
      else if (!hasDeadline) keepQuiet();
    },
  };
}

async function ended(stdout: Readable, signal: AbortSignal): Promise<never> {
  await once(stdout, 'end', { signal });
  throw new Error('its process ended at its start');
}
