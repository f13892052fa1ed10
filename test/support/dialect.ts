import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';
import type { ReplicaSet } from './replica-set.ts';
import { decodeMessage, encodeMessage, onMessages } from './router/wire.ts';

const OP_MSG = 2013;
const EXACT = { promoteValues: false, promoteBuffers: false, bsonRegExp: true } as const;

/** Changes the replies of some commands in place, by the command's name. */
export type Rewrites = Readonly<Record<string, (reply: Document, request: Document) => void>>;

/** Changes the requests of some commands in place, by the command's name, to what the real server knows. */
export type Requests = Readonly<Record<string, (request: Document) => void>>;

/**
 * A proxy in front of the primary of a real set, which changes its replies to those of a newer server. It is no newer
 * server: its tests say so in their titles.
 */
export interface Dialect extends AsyncDisposable {
  /** Connects to the proxy only, without authentication. */
  readonly uri: string;
  /** Replaces the rewrites of all connections; `{}` removes them. */
  speak(rewrites: Rewrites, requests?: Requests): void;
}

export async function startDialect(set: ReplicaSet, rewrites: Rewrites): Promise<Dialect> {
  const { port: target } = await set.primary();
  const sockets = new Set<Socket>();
  let spoken = rewrites;
  let translated: Requests = {};
  const server = createServer((client) => {
    const upstream = connect({ port: target, host: '127.0.0.1' });
    const requests = new Map<number, Buffer>();
    onMessages(client, (bytes) => {
      if (bytes.readInt32LE(12) === OP_MSG) requests.set(bytes.readInt32LE(4), decodeMessage(bytes).body);
      upstream.write(translatedRequest(bytes, translated));
    });
    onMessages(upstream, (bytes) => {
      const request = requests.get(bytes.readInt32LE(8));
      requests.delete(bytes.readInt32LE(8));
      client.write(request === undefined ? bytes : rewritten(bytes, request, spoken));
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one
        .on('error', () => undefined)
        .once('close', () => {
          sockets.delete(one);
          other.destroy();
        });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the dialect does not listen');
  return {
    uri: `mongodb://127.0.0.1:${address.port}/?directConnection=true`,
    speak: (next, nextRequests = {}) => {
      spoken = next;
      translated = nextRequests;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Returns the documents of a reply with a cursor. */
export function batchOf({ cursor }: Document): Document[] {
  return cursor?.firstBatch ?? cursor?.nextBatch ?? [];
}

function translatedRequest(bytes: Buffer, requests: Requests): Buffer {
  if (bytes.readInt32LE(12) !== OP_MSG) return bytes;
  const { id, body } = decodeMessage(bytes);
  const translate = requests[commandOf(body)];
  if (translate === undefined) return bytes;
  const request = BSON.deserialize(body, EXACT);
  translate(request);
  return encodeMessage(id, 0, Buffer.from(BSON.serialize(request)));
}

function commandOf(request: Buffer): string {
  return request.toString('utf8', 5, request.indexOf(0, 5));
}

function rewritten(bytes: Buffer, request: Buffer, rewrites: Rewrites): Buffer {
  const rewrite = rewrites[commandOf(request)];
  if (rewrite === undefined || bytes.readInt32LE(12) !== OP_MSG) return bytes;
  const { id, body } = decodeMessage(bytes);
  const reply = BSON.deserialize(body, EXACT);
  rewrite(reply, BSON.deserialize(request, EXACT));
  return encodeMessage(id, bytes.readInt32LE(8), Buffer.from(BSON.serialize(reply)));
}
