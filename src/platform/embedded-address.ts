import { isIP } from 'node:net';

interface Form {
  /** The beginning of the address, in groups of four digits. */
  readonly prefix: RegExp;
  /** The bytes of the IPv4 address; several lists where the network decides which one. */
  readonly bytes: readonly (readonly number[])[];
  /** Whether each bit of the IPv4 address is inverted. */
  readonly inverted?: boolean;
}

const LAST = [12, 13, 14, 15];

/** IPv6 addresses with an embedded IPv4 address. */
const FORMS: readonly Form[] = [
  // IPv4-compatible, IPv4-mapped, and translated (SIIT, RFC 7915).
  { prefix: /^0000:0000:0000:0000:0000:(0000|ffff):/, bytes: [LAST] },
  { prefix: /^0000:0000:0000:0000:ffff:0000:/, bytes: [LAST] },
  // NAT64: the well-known prefix (RFC 6052), and prefixes for local use (RFC 8215) of 48, 56, 64 and 96 bits, without bits 64 to 71.
  { prefix: /^0064:ff9b:0000:0000:0000:0000:/, bytes: [LAST] },
  { prefix: /^0064:ff9b:0001:/, bytes: [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], LAST] },
  // 6to4 (RFC 3056).
  { prefix: /^2002:/, bytes: [[2, 3, 4, 5]] },
  // Teredo (RFC 4380): the server, and the client.
  { prefix: /^2001:0000:/, bytes: [[4, 5, 6, 7]] },
  { prefix: /^2001:0000:/, bytes: [LAST], inverted: true },
  // ISATAP (RFC 5214).
  { prefix: /^(....:){4}0[02]00:5efe:/, bytes: [LAST] },
];

/**
 * The IPv4 addresses to which a network may forward packets for an IPv6 address; none when the address embeds none.
 * @param address  without a zone
 */
export function embeddedAddresses(address: string): string[] {
  if (isIP(address) !== 6) return [];
  const groups = ipv6Groups(address);
  const text = `${groups.map((group) => group.toString(16).padStart(4, '0')).join(':')}:`;
  const bytes = groups.flatMap((group) => [group >> 8, group & 255]);
  return FORMS.filter(({ prefix }) => prefix.test(text)).flatMap(({ bytes: places, inverted = false }) =>
    places.map((place) => place.map((at) => (bytes[at] ?? 0) ^ (inverted ? 255 : 0)).join('.')),
  );
}

/** The eight groups of a valid IPv6 address. */
export function ipv6Groups(address: string): number[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [read(head), read(tail ?? '')];
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
