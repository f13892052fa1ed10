import { isIP } from 'node:net';

/** IPv6 prefixes with an embedded IPv4 address. `at` is the 16-bit group where the IPv4 address starts. */
const FORMS: readonly { readonly prefix: RegExp; readonly at: number }[] = [
  // IPv4-compatible, IPv4-mapped, and translated (SIIT, RFC 7915).
  { prefix: /^0000:0000:0000:0000:0000:(0000|ffff):/, at: 6 },
  { prefix: /^0000:0000:0000:0000:ffff:0000:/, at: 6 },
  // NAT64: the well-known prefix (RFC 6052) and the prefixes for local use (RFC 8215).
  { prefix: /^0064:ff9b:0000:0000:0000:0000:/, at: 6 },
  { prefix: /^0064:ff9b:0001:/, at: 6 },
  // 6to4 (RFC 3056).
  { prefix: /^2002:/, at: 1 },
];

/**
 * The IPv4 address to which a network may forward packets for an IPv6 address; undefined when the address embeds none.
 * @param address  without a zone
 */
export function embeddedAddress(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const groups = ipv6Groups(address);
  const text = `${groups.map((group) => group.toString(16).padStart(4, '0')).join(':')}:`;
  const form = FORMS.find(({ prefix }) => prefix.test(text));
  if (form === undefined) return undefined;
  const [high = 0, low = 0] = groups.slice(form.at, form.at + 2);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
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
