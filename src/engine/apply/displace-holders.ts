import { failpoint } from '../../platform/index.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { type IndexSpec, sameButForWeakening, stricterFields } from '../catalog/index-spec.ts';
import { REPLY_BYTES } from '../concurrency/memory-budget.ts';
import { deleteUnchanged, type ReadDocument, refuseWriteError, type WriteTarget } from '../mongodb/raw-write.ts';
import type { Clusters } from '../records/context.ts';
import type { RefusedDocument } from './unique-conflict.ts';
import { enforcedIndexesOf, holdersOf, indexesInTheWay } from './unique-holders.ts';

interface DisplaceOptions extends Pick<Clusters, 'destination' | 'fence'> {
  /** The indexes that the source has now. */
  readonly sourceIndexes: readonly IndexSpec[];
  /** Puts keys on record before their documents are deleted. */
  readonly record: (keys: readonly DocumentKey[]) => Promise<void>;
}

/**
 * Deletes the destination's documents that have the values of refused ones in a unique index, as long as they have
 * them: another lane may write a newer state meanwhile, which must stay. Where the source enforces the same index, one
 * of the two is out of date: both have to be read again. Where it doesn't, both may be current, and the index has to go.
 * @param displaced  takes the keys that the caller has to apply again, by identity, before each delete: when the answer
 * is lost, a repetition doesn't find the deleted documents any more
 * @throws UserError NAMESPACE_CONFLICT when the source has no such unique index now
 */
export async function displaceHolders(
  options: DisplaceOptions,
  target: WriteTarget,
  refused: readonly RefusedDocument[],
  displaced: Map<string, DocumentKey>,
): Promise<void> {
  const server = { client: options.destination, readConcern: options.fence.afterOwnWrites };
  const indexes = await enforcedIndexesOf(options.destination, target);
  const found = new Map<string, ReadDocument>();
  let bytes = 0;
  for (const one of refused) {
    const inTheWay = indexesInTheWay(indexes, one);
    // rule: room-for-current-index
    if (!inTheWay.every((index) => isOnSource(index, options.sourceIndexes))) refuseFormerIndex(target, one);
    // An index that is gone refuses nothing: the caller writes the document again.
    for (const holder of inTheWay.length > 0 ? await holdersOf(server, target, one, inTheWay) : []) {
      found.set(holder.key.identity, holder);
      bytes += holder.value.bytes.length;
    }
    if (bytes < REPLY_BYTES && one !== refused.at(-1)) continue;
    await displace(options, target, [...found.values()], displaced);
    found.clear();
    bytes = 0;
  }
}

/** Whether the source enforces the same index, so that only one of two documents with the same values is current. */
function isOnSource(index: IndexSpec, sourceIndexes: readonly IndexSpec[]): boolean {
  return sourceIndexes.some((one) => sameButForWeakening(one, index) && stricterFields(index, one).length === 0);
}

/** Makes the collection wait until the destination has the indexes of the source. @throws UserError NAMESPACE_CONFLICT */
function refuseFormerIndex(target: WriteTarget, { key, error: { code, errmsg } }: RefusedDocument): never {
  refuseWriteError(target, key, { code, errmsg: `by a unique index that the source does not have now: ${errmsg}` });
}

async function displace(
  { fence, record }: DisplaceOptions,
  target: WriteTarget,
  holders: readonly ReadDocument[],
  displaced: Map<string, DocumentKey>,
): Promise<void> {
  // rule: keep-displaced-keys
  for (const { key } of holders) displaced.set(key.identity, key);
  // rule: record-before-displacing
  await record(holders.map(({ key }) => key));
  await failpoint('engine.apply.about-to-displace');
  for (const error of await deleteUnchanged(fence, target, holders))
    refuseWriteError(target, holders[error.index]?.key, error);
  await failpoint('engine.apply.displaced');
}
