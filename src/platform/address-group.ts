import { isIPv6 } from 'node:net';
import { unmapped } from './address-blocks.ts';
import { ipv6Groups } from './embedded-address.ts';

/** Longer than any address; what a proxy wrote in place of one is cut there. */
const MAX_LENGTH = 64;

/**
 * The addresses that one client has at its disposal, as one text: an IPv4 address stands for itself, an IPv6 address for its block of 64 bits,
 * which is what a single machine is usually given (RFC 6177). Limits that are counted for each client use it as their key.
 * @param address  as a socket or a trusted proxy tells it; IPv4 in its IPv6-mapped form counts as IPv4
 */
export function addressGroup(address: string): string {
  const plain = unmapped(address.replace(/%.*$/, ''));
  if (!isIPv6(plain)) return plain.slice(0, MAX_LENGTH);
  const [a = 0, b = 0, c = 0, d = 0] = ipv6Groups(plain);
  return `${[a, b, c, d].map((group) => group.toString(16)).join(':')}::/64`;
}
