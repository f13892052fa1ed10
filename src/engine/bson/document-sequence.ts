import { createRequire } from 'node:module';

/**
 * The driver's own class for OP_MSG document sequences, which sends documents as they are, byte for byte. It is
 * internal to the driver, so the driver's version is pinned, only this file uses the class, and
 * `test/engine/bson/document-sequence.test.ts` is its contract test.
 */
interface DriverSequence {
  push(document: unknown, bytes: Uint8Array): number;
}

const { DocumentSequence } = createRequire(import.meta.url)('mongodb/lib/cmap/commands.js') as {
  DocumentSequence: new (field: string) => DriverSequence;
};

/**
 * Returns a command argument that is a list of raw documents.
 * @param field  the argument's name, for example `documents` of `insert`
 */
export function documentSequence(field: string, documents: readonly Buffer[]): unknown {
  const sequence = new DocumentSequence(field);
  for (const document of documents) sequence.push(document, document);
  return sequence;
}
