import type { Clock } from '../platform/index.ts';
import type { Hook } from './configuration.ts';
import type { HookEvent } from './event.ts';
import { runCommand } from './run-command.ts';
import { sendWebhook } from './send-webhook.ts';

/**
 * Tries once to deliver an event to a hook.
 * @param signal  ends the attempt, because the process stops
 * @throws Error with the reason for which the event is not delivered, or may not be
 */
export async function deliver(hook: Hook, event: HookEvent, clock: Clock, signal: AbortSignal): Promise<void> {
  const limit = clock.timeout(hook.timeoutMs);
  const attempt = AbortSignal.any([signal, limit]);
  try {
    if (hook.kind === 'webhook') await sendWebhook(hook, event, clock, attempt);
    else await runCommand(hook, event, attempt);
  } catch (error) {
    if (!limit.aborted) throw error;
    throw new Error(`no success within ${hook.timeoutMs / 1000} s`, { cause: error });
  }
}
