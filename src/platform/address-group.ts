import { isIPv6 } from 'node:net';
import { unmapped } from './address-blocks.ts';
import { ipv6Groups } from './embedded-address.ts';

/** Longer than any address. A proxy may send other text instead of an address; it is cut at this length. */
const MAX_LENGTH = 64;

/**
 * The key by which per-client limits count a client: an IPv4 address, or the /64 block of an IPv6 address. A single machine usually
 * gets a whole /64 block (RFC 6177).
 * @param address  as a socket or a trusted proxy reports it; IPv4 in its IPv6-mapped form counts as IPv4
 */
export function addressGroup(address: string): string {
  const plain = unmapped(address.replace(/%.*$/, ''));
  if (!isIPv6(plain)) return plain.slice(0, MAX_LENGTH);
  const [a = 0, b = 0, c = 0, d = 0] = ipv6Groups(plain);
  return `${[a, b, c, d].map((group) => group.toString(16)).join(':')}::/64`;
}
