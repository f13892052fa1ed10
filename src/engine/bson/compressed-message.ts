import { promisify } from 'node:util';
import zlib from 'node:zlib';

/** A compressor of the wire protocol for which Node.js needs no other module. */
export type Compressor = 'zstd' | 'zlib';

/** The compressors that this Node.js has, the best one first: before 22.15 it had no zstd. */
export const COMPRESSORS: readonly Compressor[] = typeof zlib.zstdCompress === 'function' ? ['zstd', 'zlib'] : ['zlib'];

const OP_COMPRESSED = 2012;
const OP_MSG = 2013;
const HEADER_BYTES = 16;
/** After the header: the original opcode, the size of the uncompressed body, and the compressor. */
const START_BYTES = HEADER_BYTES + 9;
/** The largest message of a server, `MaxMessageSizeBytes`. */
const LARGEST_BODY_BYTES = 48_000_000 - HEADER_BYTES;
const IDS = { zlib: 2, zstd: 3 } as const;
/** The driver's level. */
const ZSTD_LEVEL = 3;
/** Its default, 6, takes five times the processor time for a sixth less bytes. */
const ZLIB_LEVEL = 1;
/** The smallest window of zstd, as a power of 2, that holds the largest body. The default, 128 MB, would be allocated at once. */
const ZSTD_WINDOW_LOG = 26;
/** The least that zlib takes as the size of a buffer. */
const LEAST_CHUNK_BYTES = 64;

/** Returns a message as an OP_COMPRESSED message, in parts. @param parts  the message; the first one begins with its header */
export async function compressMessage(parts: readonly Buffer[], compressor: Compressor): Promise<readonly Buffer[]> {
  const message = Buffer.concat(parts);
  const body = message.subarray(HEADER_BYTES);
  const compressed = await deflate(body, compressor);
  const start = Buffer.alloc(START_BYTES);
  message.copy(start, 0, 0, HEADER_BYTES);
  start.writeInt32LE(START_BYTES + compressed.length, 0);
  start.writeInt32LE(OP_COMPRESSED, 12);
  start.writeInt32LE(message.readInt32LE(12), HEADER_BYTES);
  start.writeInt32LE(body.length, HEADER_BYTES + 4);
  start.writeUInt8(IDS[compressor], HEADER_BYTES + 8);
  return [start, compressed];
}

/**
 * Returns a reply as the server had it before it compressed it. Takes no more memory for that than the largest message has.
 * @param expected  the compressor of the request. A server compresses no reply to an uncompressed request
 * @throws Error  with the reason why the reply is refused
 */
export async function inflateMessage(message: Buffer, expected: Compressor | undefined): Promise<Buffer> {
  if (message.readInt32LE(12) !== OP_COMPRESSED) return message;
  // rule: unrequested-compression
  if (expected === undefined) throw new Error('the request was not compressed');
  if (message.length < START_BYTES) throw new Error(`it has only ${message.length} bytes`);
  const opCode = message.readInt32LE(HEADER_BYTES);
  const bytes = message.readInt32LE(HEADER_BYTES + 4);
  const id = message.readUInt8(HEADER_BYTES + 8);
  if (opCode !== OP_MSG) throw new Error(`it contains a message of type ${opCode}`);
  if (id !== IDS[expected])
    throw new Error(`its compressor has the number ${id}, and that of the request ${IDS[expected]}`);
  // rule: inflate-bound
  if (bytes < 1 || bytes > LARGEST_BODY_BYTES) throw new Error(`its header names ${bytes} bytes`);
  const body = await inflate(message.subarray(START_BYTES), expected, bytes);
  if (body.length !== bytes) throw new Error(`it has ${body.length} bytes, and its header names ${bytes}`);
  const header = Buffer.from(message.subarray(0, HEADER_BYTES));
  header.writeInt32LE(HEADER_BYTES + bytes, 0);
  header.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([header, body]);
}

async function deflate(body: Buffer, compressor: Compressor): Promise<Buffer> {
  if (compressor === 'zlib') return await promisify(zlib.deflate)(body, { level: ZLIB_LEVEL });
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
  // With its size, zstd takes no more memory for a small message than that needs.
  return await promisify(zlib.zstdCompress)(body, { params, pledgedSrcSize: body.length });
}

async function inflate(compressed: Buffer, compressor: Compressor, bytes: number): Promise<Buffer> {
  // One byte more than needed: a full buffer would make zlib allocate a second one.
  const chunkSize = Math.max(LEAST_CHUNK_BYTES, bytes + 1);
  // rule: inflate-limit
  const options = { chunkSize, maxOutputLength: bytes };
  if (compressor === 'zlib') return await promisify(zlib.inflate)(compressed, options);
  const params = { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG };
  return await promisify(zlib.zstdDecompress)(compressed, { ...options, params });
}
