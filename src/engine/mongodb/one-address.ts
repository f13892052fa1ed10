import { type LookupAddress, lookup as lookUp } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import type { MongoClient } from 'mongodb';
import { UnjoinedConnection } from '../bson/unjoined-connection.ts';

/**
 * Makes all connections of a client to one server go to one address of its name, and to another address once that one is lost.
 * With several routers behind one name, each new connection could otherwise reach another router, which doesn't know the cursors,
 * sessions and transactions of the first one. Call it before the client connects.
 *
 * The ports of one name may belong to different hosts, so each server has its own address. The driver takes one `lookup`
 * for all servers, so this function replaces the driver's options right before it opens each server.
 * `test/sharded/routers-of-one-name.test.ts` is the contract test.
 */
export function keepToOneAddress(client: MongoClient): void {
  const addresses = new Map<string, OneAddress>();
  client.on('serverOpening', ({ address: server }) => {
    const one = new OneAddress();
    addresses.set(server, one);
    const { s: topology } = Reflect.get(client, 'topology');
    const connectionType = class extends UnjoinedConnection {
      constructor(socket: Socket, options: ConstructorParameters<typeof UnjoinedConnection>[1]) {
        super(socket, options);
        one.connectedTo(socket.remoteAddress);
      }
    };
    topology.options = { ...topology.options, lookup: one.lookup, connectionType };
  });
  // Not when a server becomes `Unknown`: one broken connection is enough for that, and a monitor that polls stays with the old address.
  // rule: next-address-after-loss
  client.on('serverHeartbeatFailed', ({ connectionId: server }) => addresses.get(server)?.lose());
}

type Resolve = (
  host: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** The address of one server. The first connection decides on it, and it stays until it is lost, whatever the name server answers meanwhile. */
export class OneAddress {
  readonly #resolve: Resolve;
  #current: LookupAddress | undefined;
  /** From these, a socket chooses the first one that answers. */
  #offered: readonly LookupAddress[] = [];
  /** The latest loss is at the end. */
  #lost: readonly string[] = [];

  constructor(resolve: Resolve = (host, options, callback) => lookUp(host, options, callback)) {
    this.#resolve = resolve;
  }

  /** For the option `lookup` of a socket. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    const answer = (addresses: LookupAddress[]) => {
      const [first] = addresses;
      if (options.all || first === undefined) return callback(null, addresses);
      return callback(null, first.address, first.family);
    };
    if (this.#current !== undefined) return process.nextTick(answer, [this.#current]);
    this.#resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      return answer(this.#current === undefined ? this.#offer(found) : [this.#current]);
    });
  };

  /** Stays with the address of a connection. Late connections, to an address that was lost meanwhile, change nothing. */
  connectedTo(address: string | undefined): void {
    // rule: one-address-per-name
    this.#current ??= this.#offered.find((offered) => offered.address === address);
  }

  /** Takes another address for the next connections, if the name has one. Of several addresses that were lost, the one that was lost first is tried first. */
  lose(): void {
    const lost = (this.#current === undefined ? this.#offered : [this.#current]).map(({ address }) => address);
    // rule: every-address-when-lost
    this.#lost = [...this.#lost.filter((address) => !lost.includes(address)), ...lost];
    this.#current = undefined;
    this.#offered = [];
  }

  /** Returns the best address of each family. More would not be tried long enough: a socket gives all but the last one 250 ms. */
  #offer(found: readonly LookupAddress[]): LookupAddress[] {
    this.#lost = this.#lost.filter((lost) => found.some(({ address }) => address === lost));
    const rank = ({ address }: LookupAddress) => this.#lost.indexOf(address);
    const best = found.toSorted((a, b) => rank(a) - rank(b));
    // rule: both-address-families
    const offered = best.filter(({ family }, n) => n === best.findIndex((other) => other.family === family));
    this.#offered = offered;
    return offered;
  }
}
