import type { ClusterAddress } from '../engine/index.ts';
import type { Assignment } from '../link/index.ts';
import { type AllowedDestinations, isSurelyRefused, UserError } from '../platform/index.ts';
import { splitConnectionString } from './connection-string.ts';

/** They name files and proxies of this machine, have credentials fetched from it, or weaken TLS. */
const REFUSED_OPTION = /^(tls(?!$)|ssl(?!$)|proxy|authmechanismproperties$|autoencryption|srvservicename$)/i;
/** Others run programs, or take the machine's own cloud or Kerberos identity to a stranger. */
const PASSWORD_MECHANISMS = ['SCRAM-SHA-1', 'SCRAM-SHA-256'];

/**
 * How to reach the destination of an assignment. Its connection string comes over the link, so it may say where, as whom, and how to find a
 * primary; what it may not say is refused by name. Where names lead to is seen when they are dialled ({@link guardDialling}).
 * @throws UserError DESTINATION_OPTION_REFUSED, DESTINATION_NOT_ALLOWED
 */
export function destinationAddress({ uri }: Assignment['destination'], allowed: AllowedDestinations): ClusterAddress {
  const { hosts, query } = splitConnectionString(uri);
  if (/%2f/i.test(hosts)) throw new UserError('DESTINATION_OPTION_REFUSED', ['a Unix socket']);
  for (const [name, value] of query) {
    const isOtherMechanism = name.toLowerCase() === 'authmechanism' && !PASSWORD_MECHANISMS.includes(value);
    if (REFUSED_OPTION.test(name) || isOtherMechanism) throw new UserError('DESTINATION_OPTION_REFUSED', [name]);
  }
  for (const hostAndPort of hosts.split(',')) {
    const host = hostAndPort.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
    if (isSurelyRefused(allowed, decodeURIComponent(host))) throw new UserError('DESTINATION_NOT_ALLOWED', [host]);
  }
  return { uri };
}
