import type { Binary, Timestamp, UUID } from 'mongodb';
import type { Mismatch } from '../../contract/index.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { allRecords } from './read-records.ts';
import { putRecords, removeRecord, updateRecords } from './write-records.ts';

/** One range of `_id` in the verification of a collection. About 150 bytes for 256 MiB of documents. */
export interface VerifiedRangeRecord {
  readonly _id: { readonly m: string; readonly u: UUID; readonly n: number };
  /** The key before the first one, as `keyBytes` stores it; null for the lowest range. */
  readonly low: Binary | null;
  /** The last key; null for the highest range. */
  readonly high: Binary | null;
  /** Everything up to this key was compared, and its differences are settled. */
  readonly comparedTo: Binary | null;
  /** Documents of the source that were compared. */
  readonly documents: number;
  readonly bytes: number;
  /** The parts that digests showed to be equal, and the documents in them; absent for none. */
  readonly digested?: { readonly ranges: number; readonly documents: number };
  readonly done: boolean;
}

/** A document that differed although nothing of it was under way. */
export interface MismatchRecord {
  readonly _id: { readonly m: string; readonly u: UUID; readonly k: Binary };
  /** The collection's name on the source. */
  readonly namespace: string;
  /** The `_id` as canonical Extended JSON, shortened when it is long. */
  readonly key: string;
  readonly class: Mismatch['class'];
  /** The first differing path; null when one side lacks the document. */
  readonly path: string | null;
  readonly firstSeen: Date;
  /** How often the document differed again after it was repaired, plus one. */
  readonly times: number;
  /** Cluster times of the two reads. */
  readonly sourceTime: Timestamp;
  readonly destinationTime: Timestamp;
  /** Whether the destination's oplog shows that another client wrote the document there. */
  readonly external: boolean;
  readonly open: boolean;
}

/** Positions and evidence of a migration's verification, in `linkspan_internal` on the destination. */
export class VerificationRecords {
  readonly #fence: Fence;
  readonly #retrier: Retrier;

  constructor(fence: Fence, retrier: Retrier) {
    this.#fence = fence;
    this.#retrier = retrier;
  }

  async ranges(): Promise<VerifiedRangeRecord[]> {
    const own = { '_id.m': this.#fence.migrationId };
    return await this.#run(() =>
      allRecords<VerifiedRangeRecord>(this.#fence, 'verifications', own, { sort: { _id: 1 } }),
    );
  }

  /** Replaces the ranges of a collection. They count together: `forget` removes all of them first. */
  async plan(records: readonly VerifiedRangeRecord[]): Promise<void> {
    await this.#run(() => putRecords(this.#fence, 'verifications', records));
  }

  async saveRange(
    id: VerifiedRangeRecord['_id'],
    fields: Partial<Pick<VerifiedRangeRecord, 'comparedTo' | 'documents' | 'bytes' | 'digested' | 'done'>>,
  ): Promise<void> {
    const updates = [{ q: { _id: id }, u: { $set: fields } }];
    await this.#run(() => updateRecords(this.#fence, 'verifications', updates));
  }

  /** Removes the ranges of a collection, so that its verification begins anew. */
  async forget(uuid: UUID): Promise<void> {
    const own = { '_id.m': this.#fence.migrationId, '_id.u': uuid };
    await this.#run(async () => {
      const found = await allRecords<VerifiedRangeRecord>(this.#fence, 'verifications', own, {
        projection: { _id: 1 },
      });
      for (const { _id } of found) await removeRecord(this.#fence, 'verifications', _id);
    });
  }

  async mismatches(): Promise<MismatchRecord[]> {
    const own = { '_id.m': this.#fence.migrationId };
    return await this.#run(() => allRecords<MismatchRecord>(this.#fence, 'mismatches', own));
  }

  /** On record when it returns. */
  async saveMismatch(record: MismatchRecord): Promise<void> {
    await this.#run(() => putRecords(this.#fence, 'mismatches', [record]));
  }

  async #run<T>(operation: () => Promise<T>): Promise<T> {
    return await this.#retrier.run('the destination', operation);
  }
}
