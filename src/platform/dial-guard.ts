import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { isIP, type Socket, SocketAddress } from 'node:net';
import { type AllowedDestinations, neverDialled, refusedDestination } from './dial-rules.ts';

/** What a process may connect to, in a form that can be handed to another one. */
export interface DialRules {
  readonly allowedDestinations?: AllowedDestinations;
  /** `host:port` of what its operator configured, and of what that named; more is added by {@link dialAsOwn}. */
  readonly own?: readonly string[];
}

// Of the process, as its sockets are.
const own = new Set<string>();
/** Why the last connection to a place was refused. */
const refused = new Map<string, string>();
const MOST_REFUSED = 1000;
let guarding: DialRules | undefined;

/**
 * Lets this process dial what its operator configured, and what a cluster that he configured names as its members: no rule for destinations
 * holds there.
 * @param hostAndPort  `host:port`, an IPv6 address in brackets
 */
export function dialAsOwn(hostAndPort: string): void {
  own.add(keyOfText(hostAndPort));
}

/** Whether {@link dialAsOwn} named the place. @param hostAndPort  as {@link dialAsOwn} takes it */
export function isDialledAsOwn(hostAndPort: string): boolean {
  return own.has(keyOfText(hostAndPort));
}

/**
 * Why one of several places was refused when it was last dialled; undefined where none was. For whoever only learns that nobody answered, as
 * from the driver, which does not see the error of a socket that is closed as it opens.
 * @param places  each as {@link dialAsOwn} takes it
 */
export function whyRefused(places: Iterable<string>): string | undefined {
  for (const hostAndPort of places) {
    const refusal = refused.get(keyOfText(hostAndPort));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The rules that hold in this process, for one that it starts. */
export function dialRules(): DialRules | undefined {
  return guarding && { allowedDestinations: guarding.allowedDestinations, own: [...own] };
}

/**
 * Has every connection of this process closed, before it says anything, when it leads where none may lead. It is the address that was
 * connected to that counts, whatever led there: a connection string, DNS and what it says the next time, an SRV record, or a member that
 * a cluster's `hello` names. Disposing ends that.
 * @param told  hears of each: the driver only says that it found no server
 */
export function guardDialling(rules: DialRules, told: (refusal: string) => void): Disposable {
  for (const hostAndPort of rules.own ?? []) own.add(hostAndPort);
  const watch = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    let named: string | undefined;
    socket.once('lookup', (_error, _address, _family, host) => {
      named = host;
    });
    // Before whoever opened it can listen, so that it is closed before anything is written.
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
  const isOwn = own.has(key);
  const reason = isOwn ? neverDialled(remoteAddress) : refusedDestination(allowed, host, remoteAddress);
  if (reason === undefined) return undefined;
  const where = host === remoteAddress ? host : `${host} (${remoteAddress})`;
  const refusal = `refused to connect to ${where}: it is ${reason}`;
  if (refused.size >= MOST_REFUSED) refused.clear();
  refused.set(key, refusal);
  return refusal;
}

function keyOfText(hostAndPort: string): string {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(hostAndPort) ?? [];
  return keyOf(host, Number(port));
}

/** One text for each place, however its address is written. */
function keyOf(host: string, port: number): string {
  const address = host.replace(/%.*$/, '');
  const family = isIP(address);
  if (family === 0) return `${host.toLowerCase()}:${port}`;
  return `${new SocketAddress({ address, family: family === 4 ? 'ipv4' : 'ipv6' }).address}:${port}`;
}
