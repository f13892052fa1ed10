import { isIP } from 'node:net';
import { isAddressOrBlock, isInBlocks } from './address-blocks.ts';
import { embeddedAddresses } from './embedded-address.ts';

/** Addresses that no MongoDB and no control plane has. At some of them, clouds give machines their credentials. */
const NEVER_DIALLED = [
  '169.254.0.0/16',
  'fe80::/10',
  // Services of clouds for their machines outside of the link-local blocks, as their manuals list them: AWS (metadata, DNS and time
  // service), Google Cloud, Alibaba Cloud, Oracle Cloud, Azure (the platform's "WireServer").
  'fd00:ec2::/32',
  'fd20:ce::254',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  // "This host", multicast, reserved.
  '0.0.0.0/8',
  '::',
  '224.0.0.0/3',
  'ff00::/8',
];

const LOOPBACK = ['127.0.0.0/8', '::1'];

const HOST_NAME = /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i;

/** Host names (`*.example.com` matches all names with that ending), addresses and blocks; undefined: all except this machine's own. */
export type AllowedDestinations = readonly string[] | undefined;

/** Whether `text` may be an entry of {@link AllowedDestinations}. */
export function isAllowedDestination(text: string): boolean {
  // A mistyped address, such as 10.0.0.300, would otherwise count as a host name that never matches.
  return isAddressOrBlock(text) || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text));
}

/** Why connections to an address are forbidden for all; undefined when they are not. */
export function neverDialled(address: string): string | undefined {
  return isIn(NEVER_DIALLED, address) ? 'a link-local, metadata or multicast address' : undefined;
}

/**
 * Why Linkspan may not connect to a destination; undefined when it may. An allowed name never gives access to this machine's own
 * services, because the owner of the name decides which address it has.
 * @param host     as the connection string names it
 * @param address  the resolved address of the host
 */
export function refusedDestination(allowed: AllowedDestinations, host: string, address: string): string | undefined {
  const never = neverDialled(address);
  if (never !== undefined) return never;
  if (allowed && isInBlocks(allowed.filter(isAddressOrBlock), address)) return undefined;
  if (isIn(LOOPBACK, address)) return 'an address of this machine that is not among allowedDestinations';
  return allowed && !isNamed(allowed, host) ? 'not among allowedDestinations' : undefined;
}

/** Whether one of the blocks contains an address, or an IPv4 address embedded in it for a translator or a tunnel. */
function isIn(blocks: readonly string[], address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const embedded = plain === '::1' ? [] : embeddedAddresses(plain);
  return [plain, ...embedded].some((one) => isInBlocks(blocks, one));
}

/** Whether a host of a connection string is refused for every address that it may resolve to. */
export function isSurelyRefused(allowed: AllowedDestinations, host: string): boolean {
  if (isIP(host) !== 0) return refusedDestination(allowed, host, host) !== undefined;
  return allowed !== undefined && !isNamed(allowed, host) && !allowed.some(isAddressOrBlock);
}

/** Whether the list allows a host of a connection string by its name, or by the address that the string names. */
export function isSurelyAllowed(allowed: AllowedDestinations, host: string): boolean {
  if (isIP(host) !== 0) return refusedDestination(allowed, host, host) === undefined;
  return allowed !== undefined && isNamed(allowed, host);
}

function isNamed(allowed: readonly string[], host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return allowed.some((entry) => {
    const wanted = entry.toLowerCase();
    return wanted.startsWith('*.') ? name.endsWith(wanted.slice(1)) : name === wanted;
  });
}
