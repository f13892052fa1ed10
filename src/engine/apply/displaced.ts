import { Binary } from 'mongodb';
import { type DocumentKey, keyBytes, keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import type { Migrated } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Clusters, Pace } from '../records/context.ts';
import { DisplacedRecords } from '../records/displaced-records.ts';
import type { DisplacedRecord } from '../records/records.ts';
import { type DirtyKey, unknownKey } from './dirty-key.ts';

/**
 * Keeps on record which documents were deleted on the destination to make room for others. The change that such a
 * document came from may be long past, so no stream would bring it back to an engine that starts again.
 *
 * Invariant: from before the delete until the document's key is applied again, or is in the spool, its record exists.
 */
export class Displaced {
  readonly #context: Clusters & Pace & Migrated;
  readonly #records: DisplacedRecords;

  constructor(context: Clusters & Pace & Migrated) {
    this.#context = context;
    this.#records = new DisplacedRecords(context.fence, context.retrier);
  }

  /** Puts keys on record, before their documents are deleted. Durable when it returns. */
  async record(collection: TrackedCollection, keys: readonly DocumentKey[], mark: string): Promise<void> {
    const { clock } = this.#context;
    const now = { sinceMs: clock.now(), elapsedMs: clock.elapsed() };
    for (const { identity } of keys)
      collection.displaced.set(identity, { ...(collection.displaced.get(identity) ?? now), mark });
    // rule: record-displaced
    await this.#records.put(keys.map((key) => this.#recordOf(collection, key, mark)));
  }

  /** Removes the records of keys that are applied, or in the spool. One that was displaced again since keeps its record. */
  async settle(collection: TrackedCollection, dirty: readonly DirtyKey[]): Promise<void> {
    const displaced = dirty.flatMap(({ key, displacedBy = [] }) => displacedBy.map((mark) => ({ key, mark })));
    if (displaced.length === 0) return;
    await this.#records.remove(displaced.map(({ key, mark }) => this.#recordOf(collection, key, mark)));
    for (const { key, mark } of displaced)
      if (collection.displaced.get(key.identity)?.mark === mark) collection.displaced.delete(key.identity);
  }

  /**
   * Returns the keys that an earlier run has left on record. They have to be applied again. A collection that is copied
   * anew needs none of them.
   */
  async load(): Promise<readonly DirtyKey[]> {
    const { clock, tracked } = this.#context;
    const keys: DirtyKey[] = [];
    const unneeded: DisplacedRecord[] = [];
    for (const record of await this.#records.all()) {
      const collection = tracked.get(record._id.u.toHexString(false));
      if (!collection?.isCopied) {
        unneeded.push(record);
        continue;
      }
      const key = keyFromBytes(bufferOf(record._id.k));
      collection.displaced.set(key.identity, { mark: record.mark, sinceMs: clock.now(), elapsedMs: clock.elapsed() });
      keys.push({ ...unknownKey(collection, key), displacedBy: [record.mark] });
    }
    await this.#records.remove(unneeded);
    return keys;
  }

  #recordOf({ uuid }: TrackedCollection, key: DocumentKey, mark: string): DisplacedRecord {
    return { _id: { m: this.#records.migrationId, u: uuid, k: new Binary(keyBytes(key)) }, mark };
  }
}
