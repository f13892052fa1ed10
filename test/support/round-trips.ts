import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { withoutCompressors } from './router/wire.ts';

/** Offsets in a message of MongoDB's wire protocol, whose header is 16 bytes. */
const REQUEST_ID_AT = 4;
const RESPONSE_TO_AT = 8;
const NAME_FIELD_AT = 26;
const TYPE_OF_NAME_AT = 25;
const TEXT = 2;

/** The server may answer these late: it waits for a change. */
const WAITING_COMMANDS = ['getMore', 'hello', 'isMaster', 'ismaster'];
/** The client, which runs in this process, has sent everything that it can. */
const QUIET_MS = 3;

/** A proxy in front of one server, whose replies wait for the next round. */
interface Counted extends AsyncDisposable {
  readonly port: number;
  /** The rounds that brought replies of this server: each with the commands that were sent for it, and what they read or write. */
  readonly rounds: readonly string[];
}

/**
 * Counts how many commands wait for one another, whatever their number: the round trips that a distant server costs. All replies of all its
 * servers are held until the client has sent everything that it can send without them, and then delivered together, as one round.
 */
export class RoundTrips {
  readonly #servers: HeldReplies[] = [];
  #news = 0;
  #running = true;

  constructor() {
    void this.#run();
  }

  async inFrontOf(port: number): Promise<Counted> {
    const server = new HeldReplies(port, () => {
      this.#news += 1;
    });
    await server.listen();
    this.#servers.push(server);
    return server;
  }

  /** Delivers what is still held, and all that comes. */
  stop(): void {
    this.#running = false;
    for (const server of this.#servers) server.pass();
  }

  async #run(): Promise<void> {
    while (this.#running) {
      const before = this.#news;
      await delay(QUIET_MS);
      // The process may have slept: whatever has arrived meanwhile is read in these turns.
      for (let turns = 0; turns < 3; turns += 1) await turn();
      if (this.#news === before && this.#servers.every(({ isAnswered }) => isAnswered))
        for (const server of this.#servers) server.deliver();
    }
  }
}

class HeldReplies implements Counted {
  readonly #targetPort: number;
  readonly #onMessage: () => void;
  readonly #server = createServer((client) => this.#accept(client));
  readonly #sockets = new Set<Socket>();
  readonly #unanswered = new Set<string>();
  readonly #held: (() => void)[] = [];
  readonly #sent: string[] = [];
  readonly rounds: string[] = [];
  #passes = false;

  constructor(targetPort: number, onMessage: () => void) {
    this.#targetPort = targetPort;
    this.#onMessage = onMessage;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return address.port;
  }

  /** Whether the server has answered everything that it can answer now. */
  get isAnswered(): boolean {
    return this.#unanswered.size === 0;
  }

  deliver(): void {
    if (this.#held.length === 0) return;
    this.rounds.push(this.#sent.splice(0).join(', '));
    for (const send of this.#held.splice(0)) send();
  }

  pass(): void {
    this.#passes = true;
    for (const send of this.#held.splice(0)) send();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    this.#onMessage();
    const target = dial({ port: this.#targetPort, host: '127.0.0.1' });
    const own = `${client.remotePort} `;
    const request = (sent: Buffer) => {
      this.#onMessage();
      const message = withoutCompressors(sent);
      const end = message.indexOf(0, NAME_FIELD_AT);
      const name = message.toString('latin1', NAME_FIELD_AT, end);
      const value =
        message[TYPE_OF_NAME_AT] === TEXT ? ` ${message.toString('latin1', end + 5, message.indexOf(0, end + 5))}` : '';
      this.#sent.push(`${name}${value}`);
      const mayWait = WAITING_COMMANDS.includes(name);
      if (!mayWait) this.#unanswered.add(own + message.readInt32LE(REQUEST_ID_AT));
      target.write(message);
    };
    const reply = (message: Buffer) => {
      this.#onMessage();
      this.#unanswered.delete(own + message.readInt32LE(RESPONSE_TO_AT));
      if (this.#passes) client.write(message);
      else this.#held.push(() => client.write(message));
    };
    for (const [from, to, take] of [
      [client, target, request],
      [target, client, reply],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', messages(take));
      from.on('error', () => undefined);
      from.once('close', () => {
        this.#sockets.delete(from);
        for (const id of this.#unanswered) if (id.startsWith(own)) this.#unanswered.delete(id);
        to.destroy();
      });
    }
  }
}

/** Calls back with each whole message of a connection. */
function messages(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0);
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}
