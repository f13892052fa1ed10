import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { constants, createDeflate, createZstdCompress } from 'node:zlib';
import { BSON } from 'mongodb';

const OP_REPLY = 1;
const OP_COMPRESSED = 2012;
const OP_MSG = 2013;
const OP_QUERY = 2004;
const COMPRESSORS = { zlib: 2, zstd: 3 } as const;
const HEADER_BYTES = 16;
/** Below the driver's limit of three times 16 MB. */
const REPLY_BYTES = 40_000_000;

/** How a hostile server answers each message. */
export type Attack =
  /** Sends nothing and keeps the connection open. */
  | { readonly kind: 'silence' }
  /** Announces a reply of 40 MB, and sends a few bytes of it every few milliseconds without end. */
  | { readonly kind: 'endless' }
  /** Announces a reply of 40 MB, and sends all but its last byte. */
  | { readonly kind: 'flood' }
  /** Replies with compressed zeros, of which the reply's header names the bytes. @see compressedZeros */
  | {
      readonly kind: 'bomb';
      readonly zeros: Buffer;
      readonly bytes: number;
      readonly compressor?: keyof typeof COMPRESSORS;
      /** Whether it is a primary that replies with them to compressed messages only. */
      readonly whenAsked?: boolean;
    }
  /** Replies with a primary's `hello` and the fields of `more`, and refuses a login with `refusal`. */
  | { readonly kind: 'hello'; readonly more?: BSON.Document; readonly refusal?: BSON.Document };

/** A TCP server that attacks every client of MongoDB's protocol. */
export interface HostileServer extends AsyncDisposable {
  readonly port: number;
  /** A connection string for its registration. */
  readonly uri: string;
  /** Number of received messages. */
  readonly asked: number;
  /** Maximum number of connections that were open at the same time. */
  readonly mostConnections: number;
}

/** @param host  the address to listen on */
export async function startHostileServer(attack: Attack, host = '127.0.0.1'): Promise<HostileServer> {
  const sockets = new Set<Socket>();
  const seen = { asked: 0, mostConnections: 0 };
  let reply: ReturnType<typeof replyOf> = () => undefined;
  const server = createServer((socket) => {
    sockets.add(socket);
    seen.mostConnections = Math.max(seen.mostConnections, sockets.size);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (message) => {
      seen.asked += 1;
      reply(socket, message);
    });
  });
  await once(server.listen(0, host), 'listening');
  const { port } = server.address() as AddressInfo;
  reply = replyOf(attack, port);
  return {
    port,
    uri: `mongodb://mover:canary@127.0.0.1:${port}/?replicaSet=rs`,
    get asked() {
      return seen.asked;
    },
    get mostConnections() {
      return seen.mostConnections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Returns the given number of zeros, compressed to about a thousandth. */
export async function compressedZeros(bytes: number, compressor: keyof typeof COMPRESSORS = 'zlib'): Promise<Buffer> {
  const deflate = compressor === 'zlib' ? createDeflate({ level: constants.Z_BEST_SPEED }) : createZstdCompress();
  const parts: Buffer[] = [];
  deflate.on('data', (part: Buffer) => parts.push(part));
  const block = Buffer.alloc(1 << 20);
  for (let left = bytes; left > 0; left -= block.length)
    if (!deflate.write(block.subarray(0, Math.min(left, block.length)))) await once(deflate, 'drain');
  deflate.end();
  await once(deflate, 'end');
  return Buffer.concat(parts);
}

function replyOf(attack: Attack, port: number): (socket: Socket, message: Buffer) => void {
  if (attack.kind === 'silence') return () => undefined;
  if (attack.kind === 'endless') {
    return (socket, message) => {
      socket.write(header(message, REPLY_BYTES, OP_MSG));
      const part = Buffer.alloc(10_000);
      const timer = setInterval(() => socket.write(part), 20);
      socket.on('close', () => clearInterval(timer));
    };
  }
  if (attack.kind === 'flood') {
    const rest = Buffer.alloc(REPLY_BYTES - HEADER_BYTES - 1);
    return (socket, message) => {
      socket.write(header(message, REPLY_BYTES, OP_MSG));
      socket.write(rest);
    };
  }
  if (attack.kind === 'bomb') {
    const { compressor = 'zlib' } = attack;
    const asPrimary = replyOf({ kind: 'hello', more: { compression: [compressor] } }, port);
    const inner = Buffer.alloc(9);
    inner.writeInt32LE(OP_MSG, 0);
    inner.writeInt32LE(attack.bytes, 4);
    inner.writeUInt8(COMPRESSORS[compressor], 8);
    return (socket, message) => {
      if (attack.whenAsked && message.readInt32LE(12) !== OP_COMPRESSED) return asPrimary(socket, message);
      const bytes = HEADER_BYTES + inner.length + attack.zeros.length;
      socket.write(Buffer.concat([header(message, bytes, OP_COMPRESSED), inner, attack.zeros]));
    };
  }
  const hello = BSON.serialize({
    ok: 1,
    helloOk: true,
    isWritablePrimary: true,
    ismaster: true,
    maxWireVersion: 21,
    minWireVersion: 0,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    setName: 'rs',
    hosts: [`127.0.0.1:${port}`],
    ...attack.more,
  });
  const refusal = BSON.serialize({ ok: 0, code: 18, ...attack.refusal });
  return (socket, message) => {
    const isLogin = message.includes('saslStart') && !message.includes('speculativeAuthenticate');
    const document = isLogin ? refusal : hello;
    const isQuery = message.readInt32LE(12) === OP_QUERY;
    // Before its document an OP_MSG has flags and the kind of its section; an OP_REPLY has flags, a cursor id, a position and a count.
    const before = Buffer.alloc(isQuery ? 20 : 5);
    if (isQuery) before.writeInt32LE(1, 16);
    const bytes = HEADER_BYTES + before.length + document.length;
    socket.write(Buffer.concat([header(message, bytes, isQuery ? OP_REPLY : OP_MSG), before, document]));
  };
}

function header(message: Buffer, bytes: number, opCode: number): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeInt32LE(bytes, 0);
  head.writeInt32LE(1, 4);
  head.writeInt32LE(message.readInt32LE(4), 8);
  head.writeInt32LE(opCode, 12);
  return head;
}
