import { BlockList, isIP } from 'node:net';

/** Whether `text` is an IPv4 or IPv6 address, or a block of them in CIDR notation. Zones (`%eth0`) are not allowed. */
export function isAddressOrBlock(text: string): boolean {
  return parseEntry(text) !== null;
}

/**
 * Whether a list contains an address, or a block with that address.
 * @param list     addresses and blocks for which {@link isAddressOrBlock} holds
 * @param address  as a socket reports it; IPv4 in its IPv6-mapped form counts as IPv4
 */
export function isInBlocks(list: readonly string[], address: string): boolean {
  if (list.length === 0) return false;
  const plain = unmapped(address.replace(/%.*$/, ''));
  const family = isIP(plain);
  if (family === 0) return false;
  const blocks = new BlockList();
  for (const text of list) {
    const entry = parseEntry(text);
    if (entry) blocks.addSubnet(entry.address, entry.prefix, entry.family === 4 ? 'ipv4' : 'ipv6');
  }
  return blocks.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

function parseEntry(text: string): { address: string; prefix: number; family: number } | null {
  const [, address = '', prefixText] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  if (family === 0) return null;
  const bits = family === 4 ? 32 : 128;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) return null;
  const plain = unmapped(address);
  if (plain === address) return { address, prefix, family };
  // ::ffff:192.0.2.0/120 means 192.0.2.0/24. A block wider than /96 would contain more than IPv4 addresses.
  return prefix >= 96 ? { address: plain, prefix: prefix - 96, family: 4 } : null;
}

/** The IPv4 address of an IPv6-mapped address; returns any other text unchanged. */
export function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
