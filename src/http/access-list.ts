import { isInBlocks } from '../platform/index.ts';

/**
 * Whether the list lets an address in; the empty list lets everybody in.
 * @param list     addresses and blocks in CIDR notation
 * @param address  the peer's, as the socket tells it; IPv4 in its IPv6-mapped form counts as IPv4
 */
export function isOnAccessList(list: readonly string[], address: string): boolean {
  return list.length === 0 || isInBlocks(list, address);
}
