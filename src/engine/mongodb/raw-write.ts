import { type Document, MongoServerError, type UUID } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { DocumentBatch } from '../bson/document-batch.ts';
import { type DocumentKey, describeKey, keyOf } from '../bson/document-key.ts';
import { documentSequence } from '../bson/document-sequence.ts';
import { BSON_TYPE, elementNamed } from '../bson/elements.ts';
import { array, boolean, document, element, int32, rawDocument } from '../bson/raw-document.ts';
import type { RawValue } from '../bson/raw-value.ts';
import { BatchInterrupted, classify, classifyReply } from './failure-policy.ts';
import type { Fence } from './fence.ts';
import { STORED_FUNCTIONS } from './namespaces.ts';
import { readAll } from './raw-cursor.ts';

/**
 * The target of raw writes. Its UUID pins them: the server refuses a collection that was renamed or dropped meanwhile
 * (docs/reference/pitfalls.md#pitfall-38).
 */
export interface WriteTarget {
  readonly database: string;
  readonly name: string;
  readonly uuid: UUID;
}

/** The engine's own collections need no UUID. */
type Place = Omit<WriteTarget, 'uuid'> & Partial<WriteTarget>;

/** The server's error for one statement of a batch. */
export interface WriteError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
  readonly keyPattern?: Document;
  readonly keyValue?: Document;
  /** The collation of the index that has a duplicate. */
  readonly collation?: Document;
}

const DUPLICATE_KEY = 11_000;
const BSON_OBJECT_TOO_LARGE = 10_334;

/** Servers accept 48,000,000 bytes and 100,000 statements in a message. The rest is room for the command itself. */
const MESSAGE_BYTES = 46_000_000;
const MESSAGE_STATEMENTS = 100_000;

/**
 * The largest document that a server accepts inside a message: the largest stored document, and 16 KiB for the rest of
 * the statement.
 */
const STATEMENT_BYTES = 16 * 1024 * 1024 + 16 * 1024;

/**
 * The server's cache holds a transaction's writes until the commit, and transactions don't make large documents faster.
 */
const TRANSACTION_BYTES = 5_000_000;

const DELETED_AT_A_TIME = 2_000;

/** Unauthorized, AuthenticationFailed. */
const CONCERN_THE_WRITER: ReadonlySet<unknown> = new Set([13, 18]);

// rule: writes-by-majority
const MAJORITY = { w: 'majority', j: true };

/**
 * Inserts raw documents, unordered.
 * @returns the failed statements; a batch whose write concern failed is sent again and isn't among them
 */
export async function insertRaw(fence: Fence, target: WriteTarget, documents: DocumentBatch): Promise<WriteError[]> {
  const { errors } = await send(fence, target, 'insert', 'documents', documents, pastValidation(target));
  return errors;
}

/**
 * Returns the option for writes that a validator would refuse. Stored functions can't have one, and the option needs the
 * role `restore` there, which the user of a migration may lack.
 */
export function pastValidation({ name }: Place): { readonly bypassDocumentValidation?: true } {
  // rule: stored-functions-unprivileged
  return name === STORED_FUNCTIONS ? {} : { bypassDocumentValidation: true };
}

/** Sends updates made by the functions below, unordered. */
export async function updateRaw(
  fence: Fence,
  target: WriteTarget,
  statements: readonly Buffer[],
): Promise<WriteError[]> {
  const batch = DocumentBatch.of(statements);
  const { errors } = await send(fence, target, 'update', 'updates', batch, pastValidation(target));
  return errors;
}

/**
 * Deletes by key, unordered.
 * @returns the failed statements, and how many documents existed
 */
export async function deleteRaw(
  fence: Fence,
  target: Place,
  keys: readonly DocumentKey[],
): Promise<{ readonly errors: readonly WriteError[]; readonly removed: number }> {
  const statements = DocumentBatch.of(keys.map(deleteStatement));
  const { errors, affected } = await send(fence, target, 'delete', 'deletes', statements, {});
  return { errors, removed: affected };
}

/** A document as it was read: its key, and the value that an expression had for it. */
export interface ReadDocument {
  readonly key: DocumentKey;
  readonly expression: RawValue;
  readonly value: RawValue;
}

/**
 * Deletes documents that still are as they were read, unordered.
 * @returns the failed statements
 */
export async function deleteUnchanged(
  fence: Fence,
  target: WriteTarget,
  documents: readonly ReadDocument[],
): Promise<readonly WriteError[]> {
  const statements = DocumentBatch.of(documents.map(unchangedStatement));
  return (await send(fence, target, 'delete', 'deletes', statements, {})).errors;
}

/**
 * Deletes by key, then updates, in one transaction.
 * @returns how many documents existed to delete; undefined when the caller has to send the commands one by one
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
  // Servers refuse transactions on system collections.
  if (all.length < 2 || bytes > TRANSACTION_BYTES || target.name.startsWith('system.')) return undefined;
  const commands: Document[] = [];
  const add = (command: 'delete' | 'update', field: string, statements: readonly Buffer[], options: Document) => {
    if (statements.length === 0) return;
    commands.push({ ...commandOf(target, command, field, DocumentBatch.of(statements)), ...options });
  };
  // rule: deletes-before-updates
  add('delete', 'deletes', deletes, {});
  add('update', 'updates', updates, pastValidation(target));
  const replies = await fence.writeTogether(target.database, commands);
  return replies && { removed: deletes.length > 0 ? Number(replies[0]?.n) : 0 };
}

/**
 * Deletes the documents that match, one by one, because a delete of many can't be fenced.
 * @returns the failed statements of a batch
 */
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

/**
 * Compares in the collection's collation, without which a query for `_id` would read the whole collection: a newer value
 * that is equal in it counts as unchanged. `$expr`, because a query would match other documents, too.
 */
function unchangedStatement({ key, expression, value }: ReadDocument): Buffer {
  const literal = rawDocument(document(element(value.type, '$literal', value.bytes)));
  const same = document(element(BSON_TYPE.array, '$eq', array([expression, literal])));
  // rule: keep-newer-holder
  const filter = document(element(key.value.type, '_id', key.value.bytes), element(BSON_TYPE.document, '$expr', same));
  return document(element(BSON_TYPE.document, 'q', filter), element(BSON_TYPE.int32, 'limit', int32(1)));
}

/** Returns a statement that replaces the document with that key, or inserts it. */
export function replaceStatement(key: DocumentKey, bytes: Buffer): Buffer {
  return document(
    element(BSON_TYPE.document, 'q', document(element(key.value.type, '_id', key.value.bytes))),
    element(BSON_TYPE.document, 'u', bytes),
    element(BSON_TYPE.boolean, 'upsert', boolean(true)),
  );
}

/**
 * Does the same by a pipeline, which keeps bytes that a plain write would change or refuse. Secondaries may still
 * change a document that it replaces, so the caller deletes an existing one first
 * (docs/reference/mongodb-behaviour.md#fact-8-8).
 */
export function exactReplaceStatement(key: DocumentKey, bytes: Buffer): Buffer {
  return exactStatement(document(element(key.value.type, '_id', key.value.bytes)), bytes);
}

/**
 * Inserts by a pipeline and keeps an existing document: the query never matches, so an existing one gives a duplicate
 * key.
 */
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

/**
 * Whether an error means only that a document with this `_id` exists. A duplicate in a secondary index is a conflict
 * (docs/reference/pitfalls.md#pitfall-9).
 */
export function isDuplicateId(error: WriteError): boolean {
  if (error.code !== DUPLICATE_KEY || error.keyPattern === undefined) return false;
  const fields = Object.keys(error.keyPattern);
  // rule: duplicate-of-id
  return fields.length === 1 && fields[0] === '_id';
}

/**
 * Makes a collection wait because the destination refuses one of its documents.
 * @param of  how many were refused together; the key is the first one's
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
  statements: DocumentBatch,
  options: Document,
): Promise<{ readonly errors: WriteError[]; readonly affected: number }> {
  refuseTooLarge(target, statements);
  const errors: WriteError[] = [];
  let affected = 0;
  for (const { start, batch } of messages(statements)) {
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
      // Servers report this for each statement, and the command itself as successful.
      if (kind === 'moved') throw new MongoServerError({ message: error.errmsg, ...error });
      errors.push({ ...error, index: start + error.index });
    }
    affected += Number(reply.n);
  }
  return { errors, affected };
}

function commandOf(target: Place, command: string, field: string, statements: DocumentBatch): Document {
  return { [command]: target.name, [field]: documentSequence(field, statements), ...pinnedTo(target.uuid) };
}

function pinnedTo(uuid: UUID | undefined): { readonly collectionUUID?: UUID } {
  // rule: writes-by-uuid
  return uuid === undefined ? {} : { collectionUUID: uuid };
}

/**
 * Updates can create a document of nearly 16 MiB with a very long `_id`. It can't be written whole, because the
 * statement also contains the `_id`.
 */
function refuseTooLarge(target: Place, statements: DocumentBatch): void {
  if (statements.largestBytes <= STATEMENT_BYTES) return;
  const [tooLarge] = [...statements].filter(({ length }) => length > STATEMENT_BYTES) as [Buffer];
  const reason = { code: BSON_OBJECT_TOO_LARGE, errmsg: 'with its _id beside it, it is too large' };
  refuseWriteError(target, keyOfStatement(tooLarge), reason);
}

/** A batch that is refused as a whole blocks only its collection, unless the user lacks the privilege. */
function throwRefusal(target: Place, batch: DocumentBatch, error: unknown): never {
  if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') throw error;
  if (CONCERN_THE_WRITER.has(error.code)) throw error;
  const reason = { code: Number(error.code), errmsg: error.message };
  const first = batch.at(0);
  refuseWriteError(target, first && keyOfStatement(first), reason, batch.length);
}

/** The statements of an insert are documents; all others have a query. */
function keyOfStatement(statement: Buffer): DocumentKey | undefined {
  if (elementNamed(statement, '_id') !== undefined) return keyOf(statement);
  const query = elementNamed(statement, 'q');
  return query && keyOfStatement(statement.subarray(query.valueStart, query.valueEnd));
}

/**
 * Cuts statements into messages that a server accepts.
 * @returns each message's statements, as a view, and the index of the first
 */
export function* messages(statements: DocumentBatch): Generator<{ start: number; batch: DocumentBatch }> {
  let start = 0;
  let startByte = 0;
  let endByte = 0;
  for (const [index, end] of statements.ends.entries()) {
    if (index > start && (end - startByte > MESSAGE_BYTES || index - start >= MESSAGE_STATEMENTS)) {
      yield { start, batch: statements.slice(start, index) };
      start = index;
      // rule: bytes-from-first-statement
      startByte = endByte;
    }
    endByte = end;
  }
  if (start < statements.length) yield { start, batch: statements.slice(start, statements.length) };
}
