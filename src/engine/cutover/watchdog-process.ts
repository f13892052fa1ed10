import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type DialRules, guardDialling } from '../../platform/index.ts';
import { type AbandonedCutover, openAbandonedSource } from './open-abandoned-source.ts';

/**
 * Lines after the order: the engine is working; the block is settled. The end of the pipe means that the engine is
 * gone.
 */
export const ALIVE = 'alive';
export const DONE = 'done';

/** The engine's first message to its watchdog, as a line of JSON. */
export interface WatchdogOrder extends AbandonedCutover {
  readonly deadlineMs: number;
  /** The rules of the engine's own connections. */
  readonly dialRules: DialRules | undefined;
}

const GIVE_UP_AFTER_MS = 30 * 60_000;

/** The program that `startWatchdog` runs. */
async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) return;
  const order: WatchdogOrder = JSON.parse(first.value);
  using _guard = order.dialRules && guardDialling(order.dialRules, () => undefined);
  process.stdout.on('error', () => undefined);
  process.stdout.write('ready\n');
  if (await isSettled(lines, order.deadlineMs)) return;
  await openAbandonedSource(order, AbortSignal.timeout(GIVE_UP_AFTER_MS));
}

/** Reads until the engine is done, is gone, or has been silent for too long. */
async function isSettled(lines: AsyncIterator<string>, deadlineMs: number): Promise<boolean> {
  while (true) {
    const late = new AbortController();
    const silence = delay(deadlineMs, undefined, { signal: late.signal }).catch(() => undefined);
    const said = await Promise.race([lines.next(), silence]);
    late.abort();
    if (said === undefined || said.done) return false;
    if (said.value === DONE) return true;
  }
}

if (import.meta.main) await main().finally(() => process.exit());
