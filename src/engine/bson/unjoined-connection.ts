import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { type Document, MongoNetworkError } from 'mongodb';
import { DocumentSequence } from './document-sequence.ts';

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

/**
 * The driver's connection, except that it sends the documents of a command from where they are, that no write outlasts its
 * connection, and that each read names its time limit. The driver copies a message three times into new memory before it writes it. Everything else, and compressed
 * messages, stay the driver's.
 * The class is internal to the driver, so the driver's version is pinned, and
 * `test/engine/bson/unjoined-connection.test.ts` is its contract test.
 */
export class UnjoinedConnection extends Connection {
  override async command(namespace: object, command: Document, ...options: readonly unknown[]): Promise<unknown> {
    return await super.command(namespace, withTimeLimit(command), ...options);
  }

  override async writeCommand(message: Message, options: WriteOptions): Promise<void> {
    const parts = options.agreedCompressor === 'none' ? partsOf(message) : undefined;
    if (parts === undefined) return await this.#unlessClosed(super.writeCommand(message, options));
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

/** Returns a message with documents in parts, and no copy of the documents; undefined for all other messages. */
function partsOf(message: Message): readonly Buffer[] | undefined {
  const { command = {} } = message;
  const documents: Buffer[] = [];
  for (const [name, value] of Object.entries(command)) {
    if (!(value instanceof DocumentSequence)) continue;
    documents.push(...value.chunks);
    // As the driver does: documents are no part of the command's own BSON.
    delete command[name];
  }
  if (documents.length === 0) return undefined;
  const parts = [...message.toBin(), ...documents];
  parts[0]?.writeInt32LE(
    // rule: documents-in-message-length
    parts.reduce((sum, { length }) => sum + length, 0),
    0,
  );
  return parts;
}
