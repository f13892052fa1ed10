import type { Gate, GateName } from '../../contract/index.ts';

/** Returns the gates of a migration that this process hasn't begun to run. */
export function gatesBeforeRun(reason = 'it is not running'): Gate[] {
  return [gate('RUNNING', 'WAITING', [reason])];
}

/** Returns a gate without a value. */
export function gate(name: GateName, state: Gate['state'], reasons: readonly string[], more: Partial<Gate> = {}): Gate {
  return { name, state, value: null, limit: null, reasons, measuredAt: null, etaSeconds: null, ...more };
}
