import { isIP } from 'node:net';
import { isAddressOrBlock, isInBlocks } from './address-blocks.ts';
import { embeddedAddress } from './embedded-address.ts';

/** Where no MongoDB and no control plane is, but clouds give machines their credentials. */
const NEVER_DIALLED = [
  '169.254.0.0/16',
  'fe80::/10',
  // What clouds offer to their machines outside of the link-local blocks, as their manuals say: AWS (metadata, name and time service), Google
  // Cloud, Alibaba Cloud, Oracle Cloud, Azure (the platform's "WireServer").
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

/** Host names (`*.` before one stands for all names that end like it), addresses and blocks; undefined: any but this machine's own. */
export type AllowedDestinations = readonly string[] | undefined;

/** Whether `text` may be an entry of {@link AllowedDestinations}. */
export function isAllowedDestination(text: string): boolean {
  // What looks like an address and is none would be taken for a name that never comes up.
  return isAddressOrBlock(text) || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text));
}

/** What keeps an address from being dialled whoever named it; undefined when nothing does. */
export function neverDialled(address: string): string | undefined {
  return isIn(NEVER_DIALLED, address) ? 'a link-local, metadata or multicast address' : undefined;
}

/**
 * Why a destination may not be dialled; undefined when it may. A name alone never opens the way to this machine's own services: whoever has
 * the name decides what it resolves to.
 * @param host     as it was named
 * @param address  what the name was resolved to
 */
export function refusedDestination(allowed: AllowedDestinations, host: string, address: string): string | undefined {
  const never = neverDialled(address);
  if (never !== undefined) return never;
  if (allowed && isInBlocks(allowed.filter(isAddressOrBlock), address)) return undefined;
  if (isIn(LOOPBACK, address)) return 'an address of this machine that is not among allowedDestinations';
  return allowed && !isNamed(allowed, host) ? 'not among allowedDestinations' : undefined;
}

/** Whether an address, or one that is written in it for a translator (NAT64, 6to4), is in one of the blocks. */
function isIn(blocks: readonly string[], address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const embedded = embeddedAddress(plain);
  return isInBlocks(blocks, plain) || (embedded !== undefined && plain !== '::1' && isInBlocks(blocks, embedded));
}

/** Whether a host that a connection string names is refused whatever it resolves to. */
export function isSurelyRefused(allowed: AllowedDestinations, host: string): boolean {
  if (isIP(host) !== 0) return refusedDestination(allowed, host, host) !== undefined;
  return allowed !== undefined && !isNamed(allowed, host) && !allowed.some(isAddressOrBlock);
}

/** Whether a host that a connection string names is allowed whatever it resolves to. */
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
