import type { Socket } from 'node:net';
import { assemble } from './elements.ts';

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
const BODY = 0;
const DOCUMENT_SEQUENCE = 1;

/** Documents that a message carries outside its body, by the name of the field that they stand for. */
export type Sequences = Iterable<readonly [string, readonly Buffer[]]>;

/** A message of the wire protocol. See https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol. */
export interface Message {
  readonly id: number;
  readonly body: Buffer;
  readonly sequences: ReadonlyMap<string, readonly Buffer[]>;
  /** Whether it came as OP_QUERY, the form of a driver's first `hello`, and needs an OP_REPLY. */
  readonly legacy: boolean;
  /** Whether the sender waits for a reply. */
  readonly wantsReply: boolean;
}

/** Encodes an OP_MSG. */
export function encodeMessage(id: number, responseTo: number, body: Buffer, sequences: Sequences = []): Buffer {
  const flags = Buffer.alloc(4);
  const sections = [Buffer.of(BODY), body];
  for (const [name, documents] of sequences) {
    const label = Buffer.from(`${name}\0`);
    const size = Buffer.alloc(4);
    size.writeInt32LE(documents.reduce((sum, { length }) => sum + length, 4 + label.length));
    sections.push(Buffer.of(DOCUMENT_SEQUENCE), size, label, ...documents);
  }
  return framed(id, responseTo, OP_MSG, [flags, ...sections]);
}

/** Encodes an OP_REPLY with one document. */
export function encodeLegacyReply(id: number, responseTo: number, body: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeInt32LE(8, 0); // AwaitCapable
  head.writeInt32LE(1, 16); // one document
  return framed(id, responseTo, OP_REPLY, [head, body]);
}

function framed(id: number, responseTo: number, opCode: number, parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(
    parts.reduce((sum, { length }) => sum + length, HEADER_BYTES),
    0,
  );
  header.writeInt32LE(id, 4);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, ...parts]);
}

/** @throws Error for an operation that no driver of today sends */
export function decodeMessage(bytes: Buffer): Message {
  const id = bytes.readInt32LE(4);
  const opCode = bytes.readInt32LE(12);
  if (opCode === OP_QUERY) {
    const start = bytes.indexOf(0, HEADER_BYTES + 4) + 1 + 8;
    const body = bytes.subarray(start, start + bytes.readInt32LE(start));
    return { id, body, sequences: new Map(), legacy: true, wantsReply: true };
  }
  if (opCode !== OP_MSG) throw new Error(`unexpected operation ${opCode}`);
  const flags = bytes.readInt32LE(HEADER_BYTES);
  const end = bytes.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  let body = assemble([]);
  const sequences = new Map<string, Buffer[]>();
  for (let at = HEADER_BYTES + 4; at < end; ) {
    const next = at + 1 + bytes.readInt32LE(at + 1);
    if (bytes[at] === BODY) body = bytes.subarray(at + 1, next);
    else {
      const nameEnd = bytes.indexOf(0, at + 5);
      sequences.set(bytes.toString('utf8', at + 5, nameEnd), documentsIn(bytes.subarray(nameEnd + 1, next)));
    }
    at = next;
  }
  return { id, body, sequences, legacy: false, wantsReply: (flags & MORE_TO_COME) === 0 };
}

function documentsIn(bytes: Buffer): Buffer[] {
  const documents: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) {
    documents.push(bytes.subarray(at, at + bytes.readInt32LE(at)));
  }
  return documents;
}

/** Returns a driver's first message without the compressors that it offers: a proxy that reads messages can't read compressed ones. */
export function withoutCompressors(bytes: Buffer): Buffer {
  const at = bytes.readInt32LE(12) === OP_QUERY ? bytes.indexOf('compression\0') : -1;
  if (at === -1) return bytes;
  const changed = Buffer.from(bytes);
  changed.write('unknown____', at);
  return changed;
}

/** Calls back with each complete message that a socket receives, of which no one is compressed. */
export function onMessages(socket: Socket, take: (bytes: Buffer) => void): void {
  let chunks: Buffer[] = [];
  let received = 0;
  let needed = 4;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    received += chunk.length;
    while (received >= needed) {
      const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      chunks = [bytes];
      needed = bytes.readInt32LE(0);
      if (received < needed) break;
      take(withoutCompressors(bytes.subarray(0, needed)));
      chunks = [bytes.subarray(needed)];
      received -= needed;
      needed = 4;
    }
  });
}
