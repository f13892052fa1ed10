import type { Document } from 'mongodb';
import { isDuplicateId, type WriteError } from '../mongodb/raw-write.ts';
import type { KeyedDocument } from './write-in-order.ts';

const DUPLICATE_KEY = 11_000;

/** A document that the destination refused because another one has its value in a unique index. */
export interface RefusedDocument extends KeyedDocument {
  readonly keyPattern: Document;
  /** The entry of the index that both documents have. With a collation, it has sort keys in place of strings. */
  readonly keyValue: Document;
  readonly collation?: Document;
  readonly error: WriteError;
}

/** The destination has refused documents because other documents there have their values in unique indexes. */
export class UniqueConflict extends Error {
  readonly refused: readonly RefusedDocument[];

  constructor(refused: readonly RefusedDocument[]) {
    super(refused[0]?.error.errmsg);
    this.refused = refused;
  }
}

/** Returns the document as refused by a unique index; undefined for any other error. */
export function refusedByUniqueIndex(one: KeyedDocument, error: WriteError): RefusedDocument | undefined {
  const { code, keyPattern, keyValue, collation } = error;
  if (code !== DUPLICATE_KEY || isDuplicateId(error)) return undefined;
  if (keyPattern === undefined || keyValue === undefined) return undefined;
  return { ...one, keyPattern, keyValue, error, ...(collation && { collation }) };
}
