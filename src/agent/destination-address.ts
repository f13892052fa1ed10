import { isIP } from 'node:net';
import type { ClusterAddress } from '../engine/index.ts';
import type { Assignment } from '../link/index.ts';
import {
  type AllowedDestinations,
  ConnectionStringRefused,
  type ForeignConnectionString,
  isSurelyAllowed,
  isSurelyRefused,
  readForeignConnectionString,
  UserError,
  wasDialledAsOwn,
} from '../platform/index.ts';

const DEFAULT_PORT = 27_017;

/**
 * Returns the address of the destination of an assignment. Its connection string comes over the link, so it may only have hosts, credentials
 * and the options that find a primary; other options are refused by name. {@link guardDialling} checks the addresses that names resolve to.
 * @throws UserError DESTINATION_OPTION_REFUSED, DESTINATION_NOT_ALLOWED
 */
export function destinationAddress({ uri }: Assignment['destination'], allowed: AllowedDestinations): ClusterAddress {
  const { hosts, text } = read(uri);
  for (const place of hosts) {
    const host = place.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    if (isSurelyRefused(allowed, host) || (isOwn(place) && !isSurelyAllowed(allowed, host)))
      throw new UserError('DESTINATION_NOT_ALLOWED', [host]);
  }
  return { uri: text, isExternal: true };
}

function read(uri: string): ForeignConnectionString {
  try {
    return readForeignConnectionString(uri);
  } catch (error) {
    if (!(error instanceof ConnectionStringRefused)) throw error;
    const { part } = error;
    const what =
      part.kind === 'option' ? part.name : part.kind === 'host' ? 'a host that is no name or address' : part.reason;
    throw new UserError('DESTINATION_OPTION_REFUSED', [what]);
  }
}

/** Whether the place is a source or the control plane. The guard always allows connections to those, so a destination must not have their names. */
function isOwn(place: string): boolean {
  const host = isIP(place) === 6 ? `[${place}]` : place;
  return wasDialledAsOwn(/:\d+$/.test(host) ? host : `${host}:${DEFAULT_PORT}`);
}
