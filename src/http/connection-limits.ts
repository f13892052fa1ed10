import type { Server, Socket } from 'node:net';
import { addressGroup, isInBlocks } from '../platform/index.ts';

/** How many connections may be open at once; `Infinity` where there is no limit. */
export interface ConnectionLimits {
  readonly total: number;
  /** From one client address, or one IPv6 block of 64 bits. */
  readonly perAddress: number;
}

/** Which limit closed a connection. */
export type ConnectionRefusal = 'too many connections' | 'too many connections from this address';

/**
 * Counts the connections of a server, and closes those beyond a limit before a byte of them is read. Trusted proxies count into the
 * total only: each carries many clients, whose requests {@link RequestsInFlight} counts.
 */
export class OpenConnections {
  readonly #limits: ConnectionLimits;
  readonly #trustedProxies: readonly string[];
  readonly #onRefused: (address: string, why: ConnectionRefusal) => void;
  readonly #perAddress = new Map<string, number>();
  #total = 0;

  constructor(
    limits: ConnectionLimits,
    trustedProxies: readonly string[],
    onRefused: (address: string, why: ConnectionRefusal) => void,
  ) {
    this.#limits = limits;
    this.#trustedProxies = trustedProxies;
    this.#onRefused = onRefused;
  }

  /** Counts a server's connections from now on; several servers share the limits. */
  watch(server: Server): void {
    // Before the listener that sets up TLS or HTTP on the connection.
    server.prependListener('connection', (socket: Socket) => this.#admit(socket));
  }

  #admit(socket: Socket): void {
    // A client that has hung up already has no address.
    const address = socket.remoteAddress ?? '';
    const group = isInBlocks(this.#trustedProxies, address) ? undefined : addressGroup(address);
    const why = this.#whyRefused(group);
    if (why !== undefined) {
      socket.destroy();
      this.#onRefused(address, why);
      return;
    }
    this.#total += 1;
    if (group !== undefined) this.#perAddress.set(group, (this.#perAddress.get(group) ?? 0) + 1);
    socket.once('close', () => this.#forget(group));
  }

  #whyRefused(group: string | undefined): ConnectionRefusal | undefined {
    if (this.#total >= this.#limits.total) return 'too many connections';
    const open = group === undefined ? 0 : (this.#perAddress.get(group) ?? 0);
    return open >= this.#limits.perAddress ? 'too many connections from this address' : undefined;
  }

  #forget(group: string | undefined): void {
    this.#total -= 1;
    if (group === undefined) return;
    const left = (this.#perAddress.get(group) ?? 0) - 1;
    if (left > 0) this.#perAddress.set(group, left);
    else this.#perAddress.delete(group);
  }
}
