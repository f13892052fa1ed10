import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { elementsOf, encode } from '../router/elements.ts';
import { encodeLegacyReply, encodeMessage, onMessages } from '../router/wire.ts';
import { fieldIn } from './bson-edits.ts';
import { type Command, isRefusal, type Refusal } from './fact.ts';
import { hasMoreToCome, isLegacy, replyBody, requestBody, withBody } from './frames.ts';

/** Changes what passes between a client and a server. */
export interface Rewriting {
  /** Returns the body of the request to the server, or an error reply in place of the server's. */
  request(command: Command): Buffer | Refusal | Promise<Buffer | Refusal>;
  reply(reply: Buffer, command: Command): Buffer | Promise<Buffer>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface RewritingProxy extends AsyncDisposable {
  readonly port: number;
}

/** Starts a proxy on 127.0.0.1 in front of one server. Messages of a connection keep their order. */
export async function startRewritingProxy(target: Address, rewriting: Rewriting): Promise<RewritingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay();
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    converse(client, upstream, rewriting);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function converse(client: Socket, upstream: Socket, rewriting: Rewriting): void {
  const asked = new Map<number, Command>();
  let application = '';
  inOrder(client, async (frame) => {
    const body = requestBody(frame);
    application = applicationIn(body) ?? application;
    const command = { ...commandOf(body), application };
    const answer = isLegacy(frame) ? command.body : await rewriting.request(command);
    if (isRefusal(answer)) {
      client.write(errorReply(frame, answer));
      return;
    }
    if (!hasMoreToCome(frame)) asked.set(frame.readInt32LE(4), command);
    upstream.write(answer === command.body ? frame : withBody(frame, answer));
  });
  inOrder(upstream, async (frame) => {
    const to = frame.readInt32LE(8);
    const command = asked.get(to);
    asked.delete(to);
    if (command === undefined) throw new Error('a reply to no request');
    // The next reply to the same request answers this one.
    if (hasMoreToCome(frame)) asked.set(frame.readInt32LE(4), command);
    const body = replyBody(frame);
    const rewritten = await rewriting.reply(body, command);
    client.write(rewritten === body ? frame : withBody(frame, rewritten));
  });
}

/** Takes one message after the other. A failure ends the connection, and shows on stderr. */
function inOrder(socket: Socket, take: (frame: Buffer) => Promise<void>): void {
  let last = Promise.resolve();
  onMessages(socket, (frame) => {
    last = last
      .then(() => take(frame))
      .catch((error: unknown) => {
        console.error('the dialect ends a connection:', error);
        socket.destroy();
      });
  });
}

function commandOf(body: Buffer): Omit<Command, 'application'> {
  const [first, ...others] = elementsOf(body);
  const database = others.find(({ name }) => name === '$db')?.value;
  return { name: first?.name ?? '', database: database?.toString('utf8', 4, database.length - 1) ?? 'admin', body };
}

/** The first command of a connection has it. */
function applicationIn(body: Buffer): string | undefined {
  const client = fieldIn(body, 'client') as { readonly application?: { readonly name: string } } | undefined;
  return client?.application?.name;
}

function errorReply(frame: Buffer, refusal: Refusal): Buffer {
  const body = encode({ ok: 0, ...refusal });
  return isLegacy(frame)
    ? encodeLegacyReply(0, frame.readInt32LE(4), body)
    : encodeMessage(0, frame.readInt32LE(4), body);
}
