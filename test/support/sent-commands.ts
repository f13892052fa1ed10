import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';
import { decodeMessage, encodeMessage, onMessages } from './router/wire.ts';

/** Changes replies by the name of their command, to those of a server that isn't at hand. */
type Dialect = Readonly<Record<string, (reply: Document) => Document>>;

/** As they are on the wire. */
const EXACT = { promoteValues: false, bsonRegExp: true } as const;

/** A proxy in front of one server that keeps the commands of its clients, without documents outside their bodies. */
export class SentCommands implements AsyncDisposable {
  readonly commands: Document[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#accept(client));
  readonly #targetPort: number;
  readonly #dialect: Dialect;

  private constructor(targetPort: number, dialect: Dialect) {
    this.#targetPort = targetPort;
    this.#dialect = dialect;
  }

  /** Starts a proxy in front of a server on this host. */
  static async inFrontOf(targetPort: number, dialect: Dialect = {}): Promise<SentCommands> {
    const proxy = new SentCommands(targetPort, dialect);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get uri(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return `mongodb://127.0.0.1:${address.port}/?directConnection=true`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    const target = dial({ port: this.#targetPort, host: '127.0.0.1' });
    const changes = new Map<number, (reply: Document) => Document>();
    onMessages(client, (bytes) => {
      const { id, body } = decodeMessage(bytes);
      const command = BSON.deserialize(body, { bsonRegExp: true });
      this.commands.push(command);
      const change = this.#dialect[Object.keys(command)[0] ?? ''];
      if (change !== undefined) changes.set(id, change);
      target.write(bytes);
    });
    onMessages(target, (bytes) => {
      const answers = bytes.readInt32LE(8);
      const change = changes.get(answers);
      changes.delete(answers);
      if (change === undefined) return client.write(bytes);
      const { id, body } = decodeMessage(bytes);
      client.write(encodeMessage(id, answers, Buffer.from(BSON.serialize(change(BSON.deserialize(body, EXACT))))));
    });
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
  }
}
