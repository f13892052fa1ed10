import type { ConnectionLimits } from '../../http/index.ts';
import { UserError } from '../../platform/index.ts';

/** The limits for clients in the options of `linkspan serve`, as given. */
export interface LimitOptions {
  readonly maxConnections: string;
  readonly maxConnectionsPerAddress: string;
  readonly failedAttemptsPerMinute: string;
}

/** The parsed limits; `Infinity` means no limit. */
export interface ServeLimits {
  readonly connectionLimits: ConnectionLimits;
  readonly failedAttemptsPerMinute: number;
}

/** @throws UserError USAGE */
export function readLimits(options: LimitOptions): ServeLimits {
  return {
    connectionLimits: {
      total: readLimit('--max-connections', options.maxConnections),
      perAddress: readLimit('--max-connections-per-address', options.maxConnectionsPerAddress),
    },
    failedAttemptsPerMinute: readLimit('--failed-attempts-per-minute', options.failedAttemptsPerMinute),
  };
}

function readLimit(flag: string, text: string): number {
  if (text === 'off') return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,6}$/.test(text)) {
    throw new UserError('USAGE', [`${flag} is a number from 1 to 9999999 or off, not ${text}`]);
  }
  return Number(text);
}
