import { isInBlocks } from '../platform/index.ts';

/**
 * Whether an access list allows an address; an empty list allows all.
 * @param list     addresses and blocks in CIDR notation
 * @param address  the peer's address as the socket reports it; IPv4 in its IPv6-mapped form counts as IPv4
 */
export function isOnAccessList(list: readonly string[], address: string): boolean {
  return list.length === 0 || isInBlocks(list, address);
}
