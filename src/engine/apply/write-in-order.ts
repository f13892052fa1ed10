import type { DocumentKey } from '../bson/document-key.ts';
import { needsExactWrite } from '../bson/exact-write.ts';
import {
  exactInsertStatement,
  exactReplaceStatement,
  insertRaw,
  isDuplicateId,
  refuseWriteError,
  replaceStatement,
  updateRaw,
  type WriteTarget,
} from '../cluster/raw-write.ts';
import type { EngineContext } from '../lifecycle/context.ts';

export interface KeyedDocument {
  readonly key: DocumentKey;
  readonly document: Buffer;
}

/**
 * Inserts documents one after the other, for collections whose order is part of their data [35]. What is there already keeps its place.
 * @param ifPresent  whether a document that is there keeps its content, too
 */
export async function writeInOrder(
  context: EngineContext,
  target: WriteTarget,
  documents: readonly KeyedDocument[],
  ifPresent: 'keep' | 'replace',
): Promise<void> {
  let run: KeyedDocument[] = [];
  for (const one of documents) {
    if (needsExactWrite(one.document)) {
      await insertRun(context, target, run, ifPresent);
      run = [];
      await insertExactly(context, target, one, ifPresent);
    } else run.push(one);
  }
  await insertRun(context, target, run, ifPresent);
}

/** A server works a batch off in its order, and goes on after a duplicate. */
async function insertRun(
  { fence }: EngineContext,
  target: WriteTarget,
  documents: readonly KeyedDocument[],
  ifPresent: 'keep' | 'replace',
): Promise<void> {
  const present: KeyedDocument[] = [];
  const bytes = documents.map(({ document }) => document);
  for (const error of await insertRaw(fence, target, bytes)) {
    const existing = documents[error.index];
    if (existing === undefined || !isDuplicateId(error)) refuseWriteError(target, existing?.key, error);
    present.push(existing);
  }
  if (ifPresent === 'keep') return;
  const statements = present.map(({ key, document }) => replaceStatement(key, document));
  for (const error of await updateRaw(fence, target, statements)) {
    refuseWriteError(target, present[error.index]?.key, error);
  }
}

async function insertExactly(
  { fence }: EngineContext,
  target: WriteTarget,
  { key, document }: KeyedDocument,
  ifPresent: 'keep' | 'replace',
): Promise<void> {
  const statement = ifPresent === 'keep' ? exactInsertStatement(key, document) : exactReplaceStatement(key, document);
  for (const error of await updateRaw(fence, target, [statement])) {
    if (!isDuplicateId(error)) refuseWriteError(target, key, error);
  }
}
