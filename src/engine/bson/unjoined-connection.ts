import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { type Duplex, Transform } from 'node:stream';
import { type Document, MongoNetworkError } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import { type Compressor, compressMessage, inflateMessage } from './compressed-message.ts';
import { DocumentSequence } from './document-sequence.ts';
import type { Link } from './wire.ts';

/** The driver's request, in parts: `toBin` returns its header first. */
interface Message {
  readonly command?: Document;
  toBin(): Buffer[];
}

interface WriteOptions {
  readonly agreedCompressor?: string;
}

interface DriverConnection {
  readonly socket: Socket;
  /** The received messages, one an object. */
  messageStream: Duplex;
  /** Why it was closed. */
  readonly error: Error | null;
  once(event: 'close', listener: () => void): void;
  off(event: 'close', listener: () => void): void;
  onError(error: Error): void;
  command(namespace: object, command: Document, ...options: readonly unknown[]): Promise<unknown>;
  writeCommand(message: Message, options: WriteOptions): Promise<void>;
}

const { Connection } = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js') as {
  Connection: new (...parameters: readonly unknown[]) => DriverConnection;
};

/** Commands whose replies may have documents. */
const READS = ['find', 'aggregate', 'getMore'];

/**
 * The driver's connection, with four differences:
 * - It sends the documents of a command from where they are. The driver copies a message three times into new memory before it writes it.
 * - It compresses as its `link` says, and inflates replies within a bound. The driver inflates any reply, however large it becomes.
 * - No write outlasts its connection.
 * - Each read names its time limit.
 *
 * The class is internal to the driver, so the driver's version is pinned, and
 * `test/engine/bson/unjoined-connection.test.ts` is its contract test.
 */
export class UnjoinedConnection extends Connection {
  /** Undefined for one that compresses nothing. */
  readonly #link: Link | undefined;
  /** The compressor of the latest request. */
  #compressor: Compressor | undefined;
  /** When the latest request was sent; undefined once it is answered. */
  #sentAtMs: number | undefined;

  constructor(socket: Socket, options: { readonly link?: Link; readonly [name: string]: unknown }) {
    super(socket, options);
    this.#link = options.link;
    const inflating = new Transform({
      objectMode: true,
      transform: (message: Buffer, _encoding, done) => {
        this.#received(message).then((inflated) => done(null, inflated), done);
      },
    });
    this.messageStream = this.messageStream.pipe(inflating).on('error', (error) => this.onError(error));
    this.messageStream.pause();
  }

  override async command(namespace: object, command: Document, ...options: readonly unknown[]): Promise<unknown> {
    return await super.command(namespace, withTimeLimit(command), ...options);
  }

  override async writeCommand(message: Message, options: WriteOptions): Promise<void> {
    this.#sentAtMs = performance.now();
    const documents = documentsOf(message);
    // Other messages are so small, or of a login, that they gain nothing, and some of them count in the write pause.
    const hasDocuments = documents.length > 0 || READS.some((name) => name in (message.command ?? {}));
    this.#compressor = hasDocuments ? this.#link?.compressorFor(options.agreedCompressor) : undefined;
    if (documents.length === 0 && this.#compressor === undefined)
      return await this.#unlessClosed(super.writeCommand(message, { ...options, agreedCompressor: 'none' }));
    const parts = joined([...message.toBin(), ...documents]);
    const sent = this.#compressor === undefined ? parts : await compressMessage(parts, this.#compressor);
    this.#link?.wire.count(bytesOf(sent), bytesOf(parts));
    await this.#send(sent);
  }

  async #send(parts: readonly Buffer[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { socket } = this;
    socket.cork();
    for (const part of parts.slice(0, -1)) socket.write(part);
    // Called in the end whatever happens, also when the connection is closed: then nothing would drain it.
    socket.write(parts.at(-1) as Buffer, (error) => (error ? reject(error) : resolve()));
    socket.uncork();
    try {
      // rule: memory-until-sent
      await promise;
    } catch (cause) {
      const error = new MongoNetworkError((cause as Error).message, { cause: cause as Error });
      this.onError(error);
      throw error;
    }
  }

  /** Returns a received message, inflated. @throws UserError COMPRESSED_REPLY_REFUSED */
  async #received(message: Buffer): Promise<Buffer> {
    if (this.#sentAtMs !== undefined) this.#link?.answered(performance.now() - this.#sentAtMs);
    this.#sentAtMs = undefined;
    try {
      const inflated = await inflateMessage(message, this.#compressor);
      this.#link?.wire.count(message.length, inflated.length);
      return inflated;
    } catch (error) {
      const side = this.#link?.wire.side ?? 'source';
      throw new UserError('COMPRESSED_REPLY_REFUSED', [side, messageOf(error)], { cause: error });
    }
  }

  /**
   * Ends a write when the connection is closed. The driver waits for a socket to drain, and a closed one never does: the command would
   * wait forever, and a monitor of the driver would never ask its server again.
   */
  async #unlessClosed(writing: Promise<void>): Promise<void> {
    const closed = Promise.withResolvers<never>();
    const onClose = () => closed.reject(this.error);
    // rule: closed-connection-ends-write
    this.once('close', onClose);
    try {
      await Promise.race([writing, closed.promise]);
    } finally {
      this.off('close', onClose);
    }
  }
}

/**
 * Returns a read with its time limit: none, unless it has one. Servers of 8.0 give a read without one that of their
 * cluster (`defaultMaxTimeMS`), and a large read would then be retried forever:
 * https://www.mongodb.com/docs/manual/reference/cluster-parameters/defaultMaxTimeMS/
 */
function withTimeLimit(command: Document): Document {
  // rule: read-time-limit
  return 'find' in command || 'aggregate' in command ? { ...command, maxTimeMS: command.maxTimeMS ?? 0 } : command;
}

/** Takes the documents out of a message's command, without a copy. */
function documentsOf({ command = {} }: Message): readonly Buffer[] {
  const documents: Buffer[] = [];
  for (const [name, value] of Object.entries(command)) {
    if (!(value instanceof DocumentSequence)) continue;
    documents.push(...value.chunks);
    // As the driver does: documents are no part of the command's own BSON.
    delete command[name];
  }
  return documents;
}

/** Returns the parts of a message, whose header has their length. */
function joined(parts: readonly Buffer[]): readonly Buffer[] {
  parts[0]?.writeInt32LE(
    // rule: documents-in-message-length
    bytesOf(parts),
    0,
  );
  return parts;
}

function bytesOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
