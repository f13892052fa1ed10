import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { dialRules, messageOf } from '../../platform/index.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import type { MigrationLog } from '../lifecycle/migration-log.ts';
import type { WatchdogOrder } from './watchdog-process.ts';

const PROGRAM = fileURLToPath(new URL('./watchdog-process.ts', import.meta.url));

/** Much longer than any pause that the engine itself allows: by then it has stopped to act. */
const DEADLINE_MS = 5 * 60_000;
const READY_WITHIN_MS = 10_000;

/**
 * Starts a process that opens the source again when this one is killed, or hangs, between block and point of no return. It lives in a
 * session of its own, and learns addresses over a pipe: they have passwords. To be started before the block, and disposed of when the
 * block is settled one way or the other.
 */
export async function startWatchdog(context: EngineContext, log: MigrationLog): Promise<Disposable> {
  const { migrationId } = context.checkpoint;
  const order: WatchdogOrder = {
    migrationId,
    term: log.record.term,
    ...context.addresses,
    deadlineMs: DEADLINE_MS,
    dialRules: dialRules(),
  };
  const child = spawn(process.execPath, [PROGRAM], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  const { stdin, stdout } = child;
  // A watchdog that ends early is no reason to end a cutover; nor is it waited for when this process ends.
  stdin.on('error', () => undefined);
  stdin.write(`${JSON.stringify(order)}\n`);
  try {
    await once(stdout, 'data', { signal: AbortSignal.timeout(READY_WITHIN_MS) });
  } catch (error) {
    context.logger.warn({ reason: messageOf(error) }, 'The cutover goes on without a watchdog');
  }
  stdout.destroy();
  letGo(child);
  return { [Symbol.dispose]: () => void stdin.end('done\n') };
}

function letGo(child: ChildProcess): void {
  child.on('error', () => undefined);
  child.unref();
  (child.stdin as Socket).unref();
}
