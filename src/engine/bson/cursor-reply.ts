import { createRequire } from 'node:module';
import type { ClientSession, Document, MongoClient } from 'mongodb';
import { decode } from './decode.ts';
import { DocumentBatch } from './document-batch.ts';
import { elementsOf } from './elements.ts';
import { document } from './raw-document.ts';

/**
 * Sends commands by the driver's own operation for cursors, which keeps the reply as bytes: `Db.command` makes an object
 * for each document. Errors are decoded as usual, because the driver reads the topology from them. The classes are
 * internal to the driver, so the driver's version is pinned, only this file uses them, and
 * `test/engine/bson/cursor-reply.test.ts` is its contract test.
 */
const driver = createRequire(import.meta.url);
const { executeOperation } = driver('mongodb/lib/operations/execute_operation.js') as {
  executeOperation(client: MongoClient, operation: object): Promise<{ toBytes(): Uint8Array }>;
};
const { RunCursorCommandOperation } = driver('mongodb/lib/operations/run_command.js') as {
  RunCursorCommandOperation: new (namespace: object, command: Document, options: Document) => object;
};
const { MongoDBNamespace } = driver('mongodb/lib/utils.js') as {
  MongoDBNamespace: new (database: string) => { withCollection(name: string): object };
};

/** The reply of a command that opens a cursor or reads from one. */
export interface CursorReply {
  readonly documents: DocumentBatch;
  /** The other fields of the cursor, and of the reply; int64 as Long. */
  readonly cursor: Document;
  readonly reply: Document;
}

/**
 * Sends a command that opens a cursor or reads from one.
 * @throws MongoServerError for an error of the server
 */
export async function cursorReply(
  client: MongoClient,
  database: string,
  command: Document,
  options: { readonly session: ClientSession; readonly bsonRegExp: boolean },
): Promise<CursorReply> {
  const operation = new RunCursorCommandOperation(new MongoDBNamespace(database), command, options);
  const bytes = (await executeOperation(client, operation)).toBytes();
  return readReply(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

function readReply(bytes: Buffer): CursorReply {
  const [cursor, reply] = apart(bytes, (name) => name === 'cursor');
  const [batch, fields] = apart(cursor, (name) => name === 'firstBatch' || name === 'nextBatch');
  return { documents: DocumentBatch.fromArray(batch), cursor: fields, reply };
}

/** Returns the value of one element as it is, and all others decoded. */
function apart(bytes: Buffer, isOne: (name: string) => boolean): [Buffer, Document] {
  let one: Buffer | undefined;
  const others: Buffer[] = [];
  for (const { name, start, valueStart, valueEnd } of elementsOf(bytes)) {
    if (isOne(name)) one = bytes.subarray(valueStart, valueEnd);
    else others.push(bytes.subarray(start, valueEnd));
  }
  if (one === undefined) throw new RangeError('The reply has no cursor');
  return [one, decode(document(...others), { promoteLongs: false })];
}
