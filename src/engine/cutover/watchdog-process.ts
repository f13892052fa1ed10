import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type DialRules, guardDialling } from '../../platform/index.ts';
import { type AbandonedCutover, openAbandonedSource } from './open-abandoned-source.ts';

/** What the engine says to its watchdog, as a line of JSON; a line `done` ends it, and the end of the pipe means that the engine is gone. */
export interface WatchdogOrder extends AbandonedCutover {
  readonly deadlineMs: number;
  /** What held for the engine's own connections, too. */
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
  const isSettled = lines.next().then(({ done }) => !done);
  const isLate = delay(order.deadlineMs, false);
  if (await Promise.race([isSettled, isLate])) return;
  await openAbandonedSource(order, AbortSignal.timeout(GIVE_UP_AFTER_MS));
}

if (import.meta.main) await main().finally(() => process.exit());
