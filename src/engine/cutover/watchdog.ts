import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { dialRules, type Logger, messageOf } from '../../platform/index.ts';
import type { ClusterAddresses } from '../mongodb/connect.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { Claim } from './block-history.ts';
import { ALIVE, DONE, type WatchdogOrder } from './watchdog-process.ts';

/** The parts of a run that are used here. */
export interface WatchdogParts {
  readonly logger: Logger;
  readonly addresses: ClusterAddresses;
}

const PROGRAM = fileURLToPath(new URL('./watchdog-process.ts', import.meta.url));

/** Much longer than any pause that the engine itself allows: by then it has stopped to act. */
const DEADLINE_MS = 5 * 60_000;
const READY_WITHIN_MS = 10_000;

/** A process that opens the source again when nobody else does. Disposing ends it, unless the block is not settled: then it is left to act. */
export interface Watchdog extends Disposable {
  /** Says that the engine is at work: the deadline begins anew. */
  keepQuiet(): void;
  /** Says that the block is settled, and ends it. */
  standDown(): void;
}

/**
 * Starts a process that opens the source again when this one is killed, or hangs, between block and point of no return. It lives in a
 * session of its own, and learns addresses over a pipe: they have passwords. To be started before the block.
 */
export async function startWatchdog(context: WatchdogParts, log: MigrationLog, claim: Claim): Promise<Watchdog> {
  const order: WatchdogOrder = {
    claim,
    ...context.addresses,
    deadlineMs: DEADLINE_MS,
    dialRules: dialRules(),
  };
  const child = spawn(process.execPath, [PROGRAM], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  const { stdin, stdout } = child;
  // A watchdog that never began or ends early is no reason to end a cutover; nor is it waited for when this process ends.
  for (const part of [child, stdin]) part.on('error', () => undefined);
  stdin.write(`${JSON.stringify(order)}\n`);
  try {
    await once(stdout, 'data', { signal: AbortSignal.timeout(READY_WITHIN_MS) });
  } catch (error) {
    context.logger.warn({ reason: messageOf(error) }, 'The cutover goes on without a watchdog');
  }
  stdout.destroy();
  child.unref();
  (stdin as Socket).unref();
  const standDown = () => void stdin.end(`${DONE}\n`);
  return {
    keepQuiet: () => void stdin.write(`${ALIVE}\n`),
    standDown,
    [Symbol.dispose]: () => {
      const { cutover } = log.record;
      if (cutover?.committed || !cutover?.blocking) standDown();
    },
  };
}
