import { createRequire } from 'node:module';
import { DocumentBatch } from './document-batch.ts';

/**
 * The driver's own class for OP_MSG document sequences, which sends documents as they are, byte for byte. It is
 * internal to the driver, so the driver's version is pinned, only this file uses the class, and
 * `test/engine/bson/document-sequence.test.ts` is its contract test.
 */
interface DriverSequence {
  /** The section of the message: its header, then the documents. */
  readonly chunks: readonly Buffer[];
  push(document: unknown, bytes: Uint8Array): number;
}

export const { DocumentSequence } = createRequire(import.meta.url)('mongodb/lib/cmap/commands.js') as {
  DocumentSequence: new (field: string) => DriverSequence;
};

/**
 * Returns a command argument that is a list of raw documents.
 * @param field  the argument's name, for example `documents` of `insert`
 */
export function documentSequence(field: string, documents: DocumentBatch | readonly Buffer[]): unknown {
  const sequence = new DocumentSequence(field);
  const batch = documents instanceof DocumentBatch ? documents : DocumentBatch.of(documents);
  sequence.push(batch, batch.bytes);
  return sequence;
}
