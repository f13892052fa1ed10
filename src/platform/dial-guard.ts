import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { isIP, type Socket, SocketAddress } from 'node:net';
import { type AllowedDestinations, neverDialled, refusedDestination } from './dial-rules.ts';

/** The hosts that a process may connect to, in a form that it can pass to another process. */
export interface DialRules {
  readonly allowedDestinations?: AllowedDestinations;
  /** `host:port` of hosts that the operator configured, and of their cluster's members. {@link dialAsOwn} adds more. */
  readonly own?: readonly string[];
}

// Module state, because the guard covers all sockets of the process.
/** How often each host is allowed at the moment; 0 for one that was before. */
const own = new Map<string, number>();
/** The refusal of the last connection to each host and port. */
const refused = new Map<string, string>();
const MOST_REFUSED = 1000;
let guarding: DialRules | undefined;

/**
 * Lets this process connect to a host that its operator configured, or that a configured cluster names as its member, until the
 * result is disposed of. The rules for destinations don't apply to it.
 * @param hostAndPort  `host:port`, an IPv6 address in brackets
 */
export function dialAsOwn(hostAndPort: string): Disposable {
  const key = keyOfText(hostAndPort);
  const add = (count: number) => own.set(key, (own.get(key) ?? 0) + count);
  add(1);
  return { [Symbol.dispose]: () => void add(-1) };
}

/** Whether {@link dialAsOwn} has ever allowed the host. @param hostAndPort  as for {@link dialAsOwn} */
export function wasDialledAsOwn(hostAndPort: string): boolean {
  return own.has(keyOfText(hostAndPort));
}

/**
 * The refusal of the last connection to one of several hosts; undefined if none was refused. Callers of the driver need it: the driver
 * reports only that no server answered, because it doesn't see the error of a socket that closes while it opens.
 * @param places  each as for {@link dialAsOwn}
 */
export function whyRefused(places: Iterable<string>): string | undefined {
  for (const hostAndPort of places) {
    const refusal = refused.get(keyOfText(hostAndPort));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The rules of this process, to pass to a process that it starts; undefined without a guard. */
export function dialRules(): DialRules | undefined {
  return guarding && { allowedDestinations: guarding.allowedDestinations, own: [...own.keys()].filter(isOwn) };
}

/**
 * Closes every connection of this process to a forbidden address before the process sends anything. The guard checks the connected
 * address, however the process got it: from a connection string, a DNS answer that may change, an SRV record, or the members that
 * `hello` names. Disposing removes the guard.
 * @param told  called with each refusal, because the driver only reports that it found no server
 */
export function guardDialling(rules: DialRules, told: (refusal: string) => void): Disposable {
  for (const key of rules.own ?? []) own.set(key, 1);
  const watch = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    let named: string | undefined;
    socket.once('lookup', (_error, _address, _family, host) => {
      named = host;
    });
    // This listener runs before those of the code that opened the socket, so nothing is written before the socket closes.
    socket.once('connect', () => {
      const refusal = refusalOf(socket, named, rules.allowedDestinations);
      if (refusal === undefined) return;
      told(refusal);
      socket.destroy(new Error(refusal));
    });
  };
  guarding = rules;
  subscribe('net.client.socket', watch);
  return {
    [Symbol.dispose]: () => {
      guarding = undefined;
      unsubscribe('net.client.socket', watch);
    },
  };
}

function refusalOf({ remoteAddress, remotePort }: Socket, named: string | undefined, allowed: AllowedDestinations) {
  if (remoteAddress === undefined || remotePort === undefined)
    return 'refused a connection without an address, such as one to a Unix socket';
  const host = named ?? remoteAddress;
  const key = keyOf(host, remotePort);
  const reason = isOwn(key) ? neverDialled(remoteAddress) : refusedDestination(allowed, host, remoteAddress);
  if (reason === undefined) return undefined;
  const where = host === remoteAddress ? host : `${host} (${remoteAddress})`;
  const refusal = `refused to connect to ${where}: it is ${reason}`;
  if (refused.size >= MOST_REFUSED) refused.clear();
  refused.set(key, refusal);
  return refusal;
}

function isOwn(key: string): boolean {
  return (own.get(key) ?? 0) > 0;
}

function keyOfText(hostAndPort: string): string {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(hostAndPort) ?? [];
  return keyOf(host, Number(port));
}

/** A key for a host and port that is the same for every form of an address. */
function keyOf(host: string, port: number): string {
  const address = host.replace(/%.*$/, '');
  const family = isIP(address);
  if (family === 0) return `${host.toLowerCase()}:${port}`;
  return `${new SocketAddress({ address, family: family === 4 ? 'ipv4' : 'ipv6' }).address}:${port}`;
}
