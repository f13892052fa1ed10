import { type Document, MongoServerError, type UUID } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { type DocumentKey, describeKey, keyOf } from '../bson/document-key.ts';
import { documentSequence } from '../bson/document-sequence.ts';
import { BSON_TYPE, elementNamed } from '../bson/elements.ts';
import { array, boolean, document, element, int32, rawDocument } from '../bson/raw-document.ts';
import { BatchInterrupted, classify, classifyReply } from './failure-policy.ts';
import type { Fence } from './fence.ts';
import { readAll } from './raw-cursor.ts';

/** Where raw writes go. The UUID pins them: the server refuses a collection that was renamed or dropped meanwhile [38]. */
export interface WriteTarget {
  readonly database: string;
  readonly name: string;
  readonly uuid: UUID;
}

/** The engine's own collections need no UUID. */
type Place = Omit<WriteTarget, 'uuid'> & Partial<WriteTarget>;

/** What the server said of one statement of a batch. */
export interface WriteError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
  readonly keyPattern?: Document;
}

const DUPLICATE_KEY = 11_000;
const BSON_OBJECT_TOO_LARGE = 10_334;

/** Servers take 48,000,000 bytes and 100,000 statements in a message; some room is left for the command itself [22]. */
const MESSAGE_BYTES = 46_000_000;
const MESSAGE_STATEMENTS = 100_000;

/** What a server takes as one document inside a message: the largest one that can be stored, and 16 KiB for what surrounds it. */
const STATEMENT_BYTES = 16 * 1024 * 1024 + 16 * 1024;

/** What a transaction has written stays in the server's cache until it is committed, and of large documents none is any faster. */
const TRANSACTION_BYTES = 5_000_000;

const DELETED_AT_A_TIME = 2_000;

/** Unauthorized, AuthenticationFailed. */
const CONCERN_THE_WRITER: ReadonlySet<unknown> = new Set([13, 18]);

const MAJORITY = { w: 'majority', j: true };

/** Unordered insert of raw documents. @returns the statements that failed; never those of a batch whose write concern failed */
export async function insertRaw(
  fence: Fence,
  target: WriteTarget,
  documents: readonly Buffer[],
): Promise<WriteError[]> {
  const { errors } = await send(fence, target, 'insert', 'documents', documents, { bypassDocumentValidation: true });
  return errors;
}

/** Unordered updates, made by the functions below. */
export async function updateRaw(
  fence: Fence,
  target: WriteTarget,
  statements: readonly Buffer[],
): Promise<WriteError[]> {
  const { errors } = await send(fence, target, 'update', 'updates', statements, { bypassDocumentValidation: true });
  return errors;
}

/** Unordered deletes by key. @returns the statements that failed, and how many documents there were to delete */
export async function deleteRaw(
  fence: Fence,
  target: Place,
  keys: readonly DocumentKey[],
): Promise<{ readonly errors: readonly WriteError[]; readonly removed: number }> {
  const { errors, affected } = await send(fence, target, 'delete', 'deletes', keys.map(deleteStatement), {});
  return { errors, removed: affected };
}

/**
 * Deletes by key, then updates, in one transaction.
 * @returns how many documents there were to delete; undefined when they have to be sent one command after the other
 */
export async function changeTogether(
  fence: Fence,
  target: WriteTarget,
  keys: readonly DocumentKey[],
  updates: readonly Buffer[],
): Promise<{ readonly removed: number } | undefined> {
  const deletes = keys.map(deleteStatement);
  const all = [...deletes, ...updates];
  const bytes = all.reduce((sum, { length }) => sum + length, 0);
  // Servers take no transaction for system collections.
  if (all.length < 2 || bytes > TRANSACTION_BYTES || target.name.startsWith('system.')) return undefined;
  refuseTooLarge(target, all);
  const commands: Document[] = [];
  const add = (command: 'delete' | 'update', field: string, statements: readonly Buffer[], options: Document) => {
    if (statements.length > 0) commands.push({ ...commandOf(target, command, field, statements), ...options });
  };
  add('delete', 'deletes', deletes, {});
  add('update', 'updates', updates, { bypassDocumentValidation: true });
  const replies = await fence.writeTogether(target.database, commands);
  return replies && { removed: deletes.length > 0 ? Number(replies[0]?.n) : 0 };
}

/** Deletes the documents that match, one by one: a delete of many can't be fenced. @returns the statements of a batch that failed */
export async function deleteAll(fence: Fence, target: Place, filter: Document = {}): Promise<readonly WriteError[]> {
  const { database, name, uuid } = target;
  const command = {
    find: name,
    filter,
    projection: { _id: 1 },
    limit: DELETED_AT_A_TIME,
    batchSize: DELETED_AT_A_TIME,
  };
  while (true) {
    const readConcern = fence.afterOwnWrites;
    const found = await readAll(fence.client, database, { ...command, ...pinnedTo(uuid), readConcern });
    if (found.length === 0) return [];
    const { errors } = await deleteRaw(fence, target, found.map(keyOf));
    if (errors.length > 0) return errors;
  }
}

function deleteStatement({ value }: DocumentKey): Buffer {
  return document(
    element(BSON_TYPE.document, 'q', document(element(value.type, '_id', value.bytes))),
    element(BSON_TYPE.int32, 'limit', int32(1)),
  );
}

/** Replaces the document with that key, or inserts it. */
export function replaceStatement(key: DocumentKey, bytes: Buffer): Buffer {
  return document(
    element(BSON_TYPE.document, 'q', document(element(key.value.type, '_id', key.value.bytes))),
    element(BSON_TYPE.document, 'u', bytes),
    element(BSON_TYPE.boolean, 'upsert', boolean(true)),
  );
}

/**
 * The same by a pipeline, which keeps bytes that a plain write would alter or refuse (§8.8). Of a document that it replaces, secondaries may
 * still alter them: what is there is to be deleted before [23].
 */
export function exactReplaceStatement(key: DocumentKey, bytes: Buffer): Buffer {
  return exactStatement(document(element(key.value.type, '_id', key.value.bytes)), bytes);
}

/** Inserts by a pipeline, and leaves an existing document alone: the query never matches, so that one gives a duplicate key. */
export function exactInsertStatement(key: DocumentKey, bytes: Buffer): Buffer {
  const nothing = array([rawDocument(document())]);
  const query = document(element(key.value.type, '_id', key.value.bytes), element(BSON_TYPE.array, '$nor', nothing));
  return exactStatement(query, bytes);
}

function exactStatement(query: Buffer, bytes: Buffer): Buffer {
  const literal = document(element(BSON_TYPE.document, '$literal', bytes));
  const stage = document(element(BSON_TYPE.document, '$replaceWith', literal));
  return document(
    element(BSON_TYPE.document, 'q', query),
    element(BSON_TYPE.array, 'u', array([rawDocument(stage)])),
    element(BSON_TYPE.boolean, 'upsert', boolean(true)),
  );
}

/** Whether an error says only that a document with this `_id` is there already; a secondary index is another matter [9]. */
export function isDuplicateId(error: WriteError): boolean {
  if (error.code !== DUPLICATE_KEY || error.keyPattern === undefined) return false;
  const fields = Object.keys(error.keyPattern);
  return fields.length === 1 && fields[0] === '_id';
}

/**
 * Has its collection wait for a document that the destination will not take.
 * @param of  how many were refused together, of which the key is the first one's
 * @throws UserError NAMESPACE_CONFLICT
 */
export function refuseWriteError(
  target: Place,
  key: DocumentKey | undefined,
  error: Pick<WriteError, 'code' | 'errmsg'>,
  of = 1,
): never {
  const what = of === 1 ? 'the document' : `a batch of ${of} documents, the first`;
  const which = key === undefined ? 'a document' : `${what} with _id ${describeKey(key)}`;
  throw new UserError('NAMESPACE_CONFLICT', [
    `${target.database}.${target.name}`,
    `the destination refused ${which}: ${error.errmsg} (${error.code})`,
  ]);
}

async function send(
  fence: Fence,
  target: Place,
  command: 'insert' | 'update' | 'delete',
  field: string,
  statements: readonly Buffer[],
  options: Document,
): Promise<{ readonly errors: WriteError[]; readonly affected: number }> {
  refuseTooLarge(target, statements);
  const errors: WriteError[] = [];
  let affected = 0;
  for (const { start, end } of messages(statements)) {
    const batch = statements.slice(start, end);
    const sent = fence.write(target.database, {
      ...commandOf(target, command, field, batch),
      ordered: false,
      writeConcern: MAJORITY,
      ...options,
    });
    const reply = await sent.catch((error: unknown) => throwRefusal(target, batch, error));
    for (const error of (reply.writeErrors ?? []) as WriteError[]) {
      const kind = classifyReply(error);
      if (kind === 'transient') throw new BatchInterrupted(error.errmsg, error.code);
      // Servers say so of each statement, and call the command done.
      if (kind === 'moved') throw new MongoServerError({ message: error.errmsg, ...error });
      errors.push({ ...error, index: start + error.index });
    }
    affected += Number(reply.n);
  }
  return { errors, affected };
}

function commandOf(target: Place, command: string, field: string, statements: readonly Buffer[]): Document {
  return { [command]: target.name, [field]: documentSequence(field, statements), ...pinnedTo(target.uuid) };
}

function pinnedTo(uuid: UUID | undefined): { readonly collectionUUID?: UUID } {
  return uuid === undefined ? {} : { collectionUUID: uuid };
}

/** A document of nearly 16 MiB with a very long `_id` can come to be by updates, but can't be written whole: the `_id` stands beside it. */
function refuseTooLarge(target: Place, statements: readonly Buffer[]): void {
  const tooLarge = statements.find(({ length }) => length > STATEMENT_BYTES);
  if (tooLarge === undefined) return;
  const reason = { code: BSON_OBJECT_TOO_LARGE, errmsg: 'with its _id beside it, it is too large' };
  refuseWriteError(target, keyOfStatement(tooLarge), reason);
}

/** A batch that is refused as a whole is a matter of its collection, unless whoever writes is refused. */
function throwRefusal(target: Place, batch: readonly Buffer[], error: unknown): never {
  if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') throw error;
  if (CONCERN_THE_WRITER.has(error.code)) throw error;
  const reason = { code: Number(error.code), errmsg: error.message };
  refuseWriteError(target, batch[0] && keyOfStatement(batch[0]), reason, batch.length);
}

/** Documents are statements of an insert; all others have a query. */
function keyOfStatement(statement: Buffer): DocumentKey | undefined {
  if (elementNamed(statement, '_id') !== undefined) return keyOf(statement);
  const query = elementNamed(statement, 'q');
  return query && keyOfStatement(statement.subarray(query.valueStart, query.valueEnd));
}

/** Cuts statements into messages that a server takes. */
export function* messages(statements: readonly Buffer[]): Generator<{ start: number; end: number }> {
  let start = 0;
  let bytes = 0;
  for (const [index, statement] of statements.entries()) {
    if (index > start && (bytes + statement.length > MESSAGE_BYTES || index - start >= MESSAGE_STATEMENTS)) {
      yield { start, end: index };
      start = index;
      bytes = 0;
    }
    bytes += statement.length;
  }
  if (start < statements.length) yield { start, end: statements.length };
}
