import { Timestamp } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { elementNamed, elementsOf } from '../bson/elements.ts';
import { isServerCollection, isUserDatabase } from '../mongodb/namespaces.ts';
import type { Selection } from '../scope/selection.ts';

/** The fields of a change event that the engine reads. The event's document, if present, stays bytes. */
export interface ChangeEvent {
  readonly operation: string;
  readonly database: string;
  readonly collection: string;
  /**
   * UUID in hexadecimal. Absent on events that concern no collection or a view, and on all events of sources that don't
   * show it.
   */
  readonly collectionId?: string;
  /** The new name after a rename. */
  readonly renamedTo?: { readonly database: string; readonly collection: string };
  readonly key?: DocumentKey;
  readonly fullDocument?: Buffer;
  readonly time: Timestamp;
}

/** Operations on documents; all others that are known count as changes of the catalog. */
const DOCUMENT_OPERATIONS = new Set(['insert', 'update', 'replace', 'delete']);

/** The other operations of MongoDB 5.0 to 9.0 (server source: document_source_change_stream.h). */
const OTHER_OPERATIONS = new Set([
  'abortIndexBuild',
  'create',
  'createIndexes',
  'drop',
  'dropDatabase',
  'dropIndexes',
  'endOfTransaction',
  'invalidate',
  'migrateChunkToNewShard',
  'migrateLastChunkFromShard',
  'modify',
  'refineCollectionShardKey',
  'rename',
  'reshardBegin',
  'reshardBlockingWrites',
  'reshardCollection',
  'reshardDoneCatchUp',
  'shardCollection',
  'startIndexBuild',
]);

export type DocumentChange = ChangeEvent & { readonly key: DocumentKey };

export function isDocumentChange(event: ChangeEvent): event is DocumentChange {
  return DOCUMENT_OPERATIONS.has(event.operation);
}

/**
 * Whether the event concerns users' data, and not the data of servers and their tools. Events of newer servers that
 * concern no namespace, such as the end of a transaction, have no namespace.
 */
export function isOfUsers({ database, collection }: ChangeEvent): boolean {
  // rule: ignore-events-without-namespace
  return database !== '' && isUserDatabase(database) && !isServerCollection(collection);
}

/** Whether the event changes documents or the catalog of selected namespaces. Ignores document filters. */
export function concerns(selection: Selection, event: ChangeEvent): boolean {
  if (!isOfUsers(event)) return false;
  const { database, collection, renamedTo } = event;
  if (selection.has(database, collection)) return true;
  return renamedTo !== undefined && selection.has(renamedTo.database, renamedTo.collection);
}

/**
 * Reads an event's envelope. The engine never skips an event.
 * @param withId  whether the source names the UUID of each change's collection
 * @throws UserError UNKNOWN_OPERATION, UNDECODABLE_EVENT
 */
export function readChangeEvent(bytes: Buffer, withId: boolean): ChangeEvent {
  const event = readDecodable(bytes, withId);
  const { operation, database, collection } = event;
  if (isDocumentChange(event) || OTHER_OPERATIONS.has(operation)) return event;
  // One without a namespace may concern all of them.
  // rule: refuse-unknown-events
  if (database !== '' && !isOfUsers(event)) return event;
  const place = database === '' ? '' : ` of ${database}.${collection}`;
  throw new UserError('UNKNOWN_OPERATION', [`the event ${operation}${place} in a change stream`]);
}

function readDecodable(bytes: Buffer, withId: boolean): ChangeEvent {
  try {
    const event = readEnvelope(bytes);
    if (isDocumentChange(event) && (event.key === undefined || (withId && event.collectionId === undefined))) {
      throw new RangeError(`${event.operation} without document key or collection UUID`);
    }
    return event;
  } catch (error) {
    const token = elementNamed(bytes, '_id');
    const shown = token === undefined ? '?' : stringField(bytes.subarray(token.valueStart, token.valueEnd), '_data');
    throw new UserError('UNDECODABLE_EVENT', [String(error), shown], { cause: error });
  }
}

function readEnvelope(bytes: Buffer): ChangeEvent {
  let operation: string | undefined;
  let time: Timestamp | undefined;
  let database = '';
  let collection = '';
  let collectionId: string | undefined;
  let key: DocumentKey | undefined;
  let fullDocument: Buffer | undefined;
  let renamedTo: ChangeEvent['renamedTo'];
  for (const { name, valueStart, valueEnd } of elementsOf(bytes)) {
    switch (name) {
      case 'operationType':
        operation = bytes.toString('utf8', valueStart + 4, valueEnd - 1);
        break;
      case 'clusterTime':
        time = new Timestamp(bytes.readBigUInt64LE(valueStart));
        break;
      case 'ns':
        ({ database, collection } = readNamespace(bytes.subarray(valueStart, valueEnd)));
        break;
      case 'to':
        renamedTo = readNamespace(bytes.subarray(valueStart, valueEnd));
        break;
      case 'collectionUUID':
        // A binary value begins with its length and subtype.
        collectionId = bytes.toString('hex', valueStart + 5, valueEnd);
        break;
      case 'documentKey':
        key = keyOf(bytes.subarray(valueStart, valueEnd));
        break;
      case 'fullDocument':
        fullDocument = bytes.subarray(valueStart, valueEnd);
        break;
    }
  }
  if (operation === undefined || time === undefined) throw new RangeError('No operationType or clusterTime');
  return { operation, database, collection, collectionId, renamedTo, key, fullDocument, time };
}

function readNamespace(document: Buffer): { database: string; collection: string } {
  return { database: stringField(document, 'db'), collection: stringField(document, 'coll') };
}

function stringField(document: Buffer, name: string): string {
  const field = elementNamed(document, name);
  return field === undefined ? '' : document.toString('utf8', field.valueStart + 4, field.valueEnd - 1);
}
