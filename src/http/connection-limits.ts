import type { Server, Socket } from 'node:net';
import { addressGroup, isInBlocks } from '../platform/index.ts';

/** How many connections may be open at one time; `Infinity` for no limit. */
export interface ConnectionLimits {
  readonly total: number;
  /** From one client: an IPv4 address or an IPv6 /64 block. */
  readonly perAddress: number;
}

/** The limit that closed a connection. */
export type ConnectionRefusal = 'too many connections' | 'too many connections from this address';

/**
 * Counts the connections of a server, and closes connections beyond a limit before it reads a byte from them. Trusted proxies count
 * only towards the total, because one proxy serves many clients. {@link RequestsInFlight} counts the requests of those clients.
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

  /** Starts to count a server's connections; several servers share the limits. */
  watch(server: Server): void {
    // This listener must run before the one that starts TLS or HTTP on the connection.
    server.prependListener('connection', (socket: Socket) => this.#admit(socket));
  }

  #admit(socket: Socket): void {
    // The socket of a client that has already disconnected has no address.
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
