import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isInBlocks, neverDialled } from '../platform/index.ts';

const LOOPBACK = ['127.0.0.0/8', '::1'];

/** Returns the host of a URL, an IPv6 address without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Returns `host:port` of a URL, as the guard of outgoing connections knows it. */
export function placeOf(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
}

/** Whether plain HTTP is allowed: only to this machine, because events would be readable on the network. */
export function isPlainAllowed(url: URL): boolean {
  const host = hostOf(url);
  return host === 'localhost' || isInBlocks(LOOPBACK, host);
}

/**
 * Returns why connections to the address that a URL names are forbidden; undefined for a name, which {@link guardedLookup}
 * resolves.
 */
export function refusedHost(url: URL): string | undefined {
  const host = hostOf(url);
  return isIP(host) === 0 ? undefined : neverDialled(host);
}

/**
 * Resolves a host name for one connection, and leaves out addresses at which clouds give machines their credentials.
 * The socket connects to the checked address, so a second DNS answer can't replace it.
 */
export const guardedLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '');
    const allowed = found.filter(({ address }) => neverDialled(address) === undefined);
    const [first] = allowed;
    if (first === undefined) {
      const reason = neverDialled(found[0]?.address ?? '') ?? 'without an address';
      return callback(new Error(`refused to connect to ${host}: it is ${reason}`), '');
    }
    if (options.all) return callback(null, allowed);
    callback(null, first.address, first.family);
  });
};
