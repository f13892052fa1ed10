import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { DONE, type WatchdogOrder } from './watchdog-messages.ts';

/** The program that `startWatchdog` runs. */
async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  // Before the engine orders anything: loading the driver takes half a second of a processor.
  const { act } = await import('./watchdog-act.ts');
  const first = await lines.next();
  if (first.done) return;
  const order: WatchdogOrder = JSON.parse(first.value);
  process.stdout.on('error', () => undefined);
  process.stdout.write('ready\n');
  if (await isSettled(lines, order.deadlineMs)) return;
  await act(order, order.dialRules);
}

/** Reads until the engine is done, is gone, or has been silent for too long since it was about to block the source. */
async function isSettled(lines: AsyncIterator<string>, deadlineMs: number): Promise<boolean> {
  // rule: watchdog-deadline-starts-at-block
  let said: IteratorResult<string> | undefined = await lines.next();
  while (said !== undefined && !said.done) {
    if (said.value === DONE) return true;
    const late = new AbortController();
    const silence = delay(deadlineMs, undefined, { signal: late.signal }).catch(() => undefined);
    said = await Promise.race([lines.next(), silence]);
    late.abort();
  }
  return false;
}

if (import.meta.main) await main().finally(() => process.exit());
