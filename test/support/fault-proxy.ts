import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** Faults that the proxy applies in both directions. */
export interface Fault {
  /** Delay of each chunk. */
  readonly latencyMs?: number;
  /** Limit for each connection and direction. */
  readonly bytesPerSecond?: number;
  /** Connections stay open and new ones are accepted, but no byte passes until this fault ends. */
  readonly blackHole?: boolean;
}

/**
 * A TCP proxy in front of one server. Clients of a replica set's member need `directConnection=true`. Otherwise they learn the member's own
 * address, except when the set is configured with the proxies' addresses (`proxied`).
 */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Number of open connections. */
  readonly connections: number;
  /** Bytes that it has carried, in both directions. */
  readonly bytes: number;
  /** Replaces the fault of all connections, open and new; `{}` removes it. */
  set(fault: Fault): void;
  /** Resets all open connections, and refuses new ones until `restore`. */
  cut(): void;
  restore(): void;
}

/** @param at  loopback address and port of the proxy; by default a free port of 127.0.0.1 */
export async function startFaultProxy(
  targetPort: number,
  at: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
): Promise<FaultProxy> {
  const proxy = new TcpProxy(targetPort);
  await proxy.listen(at);
  return proxy;
}

class TcpProxy implements FaultProxy {
  readonly #targetPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #fault: Fault = {};
  #isCut = false;
  bytes = 0;
  #changed = Promise.withResolvers<void>();

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  async listen({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return address.port;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  set(fault: Fault): void {
    this.#fault = fault;
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }

  cut(): void {
    this.#isCut = true;
    // Node.js can't reset a socket that is ending: it would keep the handle permanently.
    for (const socket of this.#sockets) socket.writableEnded ? socket.destroy() : socket.resetAndDestroy();
  }

  restore(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.set({});
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    const server = dial({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(this.#faulty()).pipe(to);
    }
  }

  /** Passes bytes on according to the current fault. Waiting bytes hold back the sender, except for latency, which limits no rate. */
  #faulty(): Transform {
    let delivered = Promise.resolve();
    const stream: Transform = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        this.bytes += chunk.length;
        const through = this.#hold(chunk.length);
        const due = performance.now() + (this.#fault.latencyMs ?? 0);
        through.then(() => done(), done);
        delivered = Promise.all([delivered, through])
          .then(() => this.#wait(due - performance.now()))
          .then(() => void stream.push(chunk));
      },
      flush: (done) => {
        delivered.then(() => done(), done);
      },
    });
    return stream;
  }

  async #hold(bytes: number): Promise<void> {
    while (this.#fault.blackHole) await this.#changed.promise;
    const { bytesPerSecond } = this.#fault;
    if (bytesPerSecond) await this.#wait((bytes / bytesPerSecond) * 1_000);
  }

  /** Waits this long, or until the fault changes. A timer is right here, because delays are the proxy's task. */
  async #wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    const waiting = new AbortController();
    await Promise.race([delay(ms, undefined, { signal: waiting.signal }), this.#changed.promise]);
    waiting.abort();
  }
}
