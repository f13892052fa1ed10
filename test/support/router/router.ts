import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Catalog } from './catalog.ts';
import { ChangeStreams } from './change-streams.ts';
import { ClusterClock } from './cluster-clock.ts';
import { handlerOf, needsLogin } from './commands.ts';
import { Connections } from './connections.ts';
import type { Context, Shared } from './context.ts';
import { Cursors } from './cursors.ts';
import { assemble, elementsOf, encode } from './elements.ts';
import { isInternal, Refusal } from './refusal.ts';
import { Request } from './request.ts';
import { endTransaction, statementOf, Transactions } from './transactions.ts';
import { type Login, Unreachable } from './upstream.ts';
import { decodeMessage, encodeLegacyReply, encodeMessage, type Message, onMessages } from './wire.ts';
import { withWriteConcern } from './write-concern.ts';

export interface RouterOptions {
  /** Loopback port of the config server. */
  readonly configPort: number;
  /** Index of the shard whose own router code answers reads and writes without a number; 0 by default. */
  readonly via?: number;
  /** A free loopback port by default. */
  readonly port?: number;
  /** How it logs in to servers; undefined without authentication. Clients then must log in, too. */
  readonly login?: Login;
}

/**
 * A stand-in for `mongos`, in this process. It sends each command to the server of a sharded cluster that a `mongos` would send it to, and
 * leaves as much as possible to the servers. docs/internals/sharded-tests.md says which part is whose.
 */
export class Router implements AsyncDisposable {
  readonly #options: RouterOptions;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #server: Server | undefined;
  #shared: Shared | undefined;

  private constructor(options: RouterOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  static async start(options: RouterOptions): Promise<Router> {
    const router = new Router(options);
    await router.restart();
    return router;
  }

  get port(): number {
    return this.#port;
  }

  /** Closes all connections and forgets cursors and transactions, as when the process of a router is killed. */
  async kill(): Promise<void> {
    const [server, shared] = [this.#server, this.#shared];
    if (!server || !shared) return;
    this.#server = undefined;
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    shared.streams.closeAll();
    shared.catalog.close();
    await once(server, 'close');
  }

  /** Starts a killed router on the same port. */
  async restart(): Promise<void> {
    if (this.#server) throw new Error(`the router on port ${this.#port} runs already`);
    const { configPort, login, via = 0 } = this.#options;
    const clock = new ClusterClock();
    const catalog = new Catalog(configPort, login, clock);
    const shared = {
      catalog,
      clock,
      cursors: new Cursors(),
      streams: new ChangeStreams(catalog, clock),
      transactions: new Transactions(),
      via,
    };
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket, shared));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the router does not listen');
    this.#port = address.port;
    this.#server = server;
    this.#shared = shared;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #accept(socket: Socket, shared: Shared): void {
    this.#sockets.add(socket);
    const { configPort, login } = this.#options;
    const connections = new Connections(shared.catalog, shared.clock, configPort);
    const context = { ...shared, connections };
    let turn = Promise.resolve();
    let lastId = 0;
    onMessages(socket, (bytes) => {
      turn = turn.then(async () => {
        const message = decodeMessage(bytes);
        const reply = await answer(message, context, login !== undefined);
        if (!message.wantsReply || socket.destroyed) return;
        lastId += 1;
        socket.write((message.legacy ? encodeLegacyReply : encodeMessage)(lastId, message.id, reply));
      });
      turn.catch(() => socket.destroy());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      connections.close();
    });
  }
}

/** Answers a command with its reply's bytes. Errors become error replies. */
async function answer(message: Message, context: Context, auth: boolean): Promise<Buffer> {
  const reply = await replyTo(message, context, auth).catch(errorReply);
  const bytes = Buffer.isBuffer(reply) ? reply : encode(reply);
  const shown = elementsOf(bytes).flatMap(({ name, bytes }) => (isInternal(name) ? [] : [bytes]));
  return assemble([...shown, ...context.clock.elements]);
}

async function replyTo(message: Message, context: Context, auth: boolean) {
  context.clock.note(message.body);
  const request = new Request({ ...message, body: withWriteConcern(message.body) });
  const handler = handlerOf(request.name);
  if (auth && needsLogin(request.name)) context.connections.demandLogin(request.name);
  const isStatement = request.inTransaction && handler !== endTransaction;
  return await (isStatement ? statementOf(handler) : handler)(request, context);
}

function errorReply(error: unknown) {
  if (error instanceof Refusal) return error.reply;
  const errmsg = error instanceof Error ? error.message : String(error);
  if (error instanceof Unreachable) return { ok: 0, code: 6, codeName: 'HostUnreachable', errmsg };
  return { ok: 0, code: 8, codeName: 'UnknownError', errmsg: `the stand-in for mongos failed: ${errmsg}` };
}
