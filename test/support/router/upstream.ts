import { connect, type Socket } from 'node:net';
import type { Document } from 'mongodb';
import { decode, encode } from './elements.ts';
import { decodeMessage, encodeMessage, onMessages, type Sequences } from './wire.ts';

/** A server closed the connection or refused it. */
export class Unreachable extends Error {}

/** Authenticates a connection. */
export type Login = (upstream: Upstream) => Promise<void>;

/** One connection of the router to a server. It opens at its first command, and again after the server closed it. */
export class Upstream {
  readonly #port: number;
  readonly #login: Login | undefined;
  #socket: Socket | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #reply: PromiseWithResolvers<Buffer> | undefined;
  #lastId = 0;
  #closed = false;

  constructor(port: number, login?: Login) {
    this.#port = port;
    this.#login = login;
  }

  /**
   * Sends a command after the earlier ones of this connection were answered.
   * @returns the reply's bytes, also those of an error
   * @throws Unreachable
   */
  send(body: Buffer, sequences: Sequences = []): Promise<Buffer> {
    const sent = this.#turn.then(async () => this.#exchange(await this.#open(), body, sequences));
    this.#turn = sent.catch(() => undefined);
    return sent;
  }

  /** Like `send`, with decoded documents. */
  async run(db: string, command: Document): Promise<Document> {
    return decode(await this.send(encode({ ...command, $db: db })));
  }

  /** Sends a command of the login, which comes before all others. */
  async runNow(db: string, command: Document): Promise<Document> {
    if (!this.#socket) throw new Unreachable(`127.0.0.1:${this.#port} closed the connection during the login`);
    return decode(await this.#exchange(this.#socket, encode({ ...command, $db: db }), []));
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  async #exchange(socket: Socket, body: Buffer, sequences: Sequences): Promise<Buffer> {
    this.#reply = Promise.withResolvers<Buffer>();
    this.#lastId += 1;
    socket.write(encodeMessage(this.#lastId, 0, body, sequences));
    return decodeMessage(await this.#reply.promise).body;
  }

  async #open(): Promise<Socket> {
    if (this.#socket) return this.#socket;
    if (this.#closed) throw new Unreachable('the router closed the connection');
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    const connected = Promise.withResolvers<void>();
    const lost = () => {
      const error = new Unreachable(`127.0.0.1:${this.#port} closed the connection`);
      if (this.#socket === socket) this.#socket = undefined;
      connected.reject(error);
      this.#reply?.reject(error);
    };
    socket.on('error', lost).on('close', lost).once('connect', connected.resolve);
    onMessages(socket, (bytes) => this.#reply?.resolve(bytes));
    this.#socket = socket;
    await connected.promise;
    await this.#login?.(this);
    return socket;
  }
}
