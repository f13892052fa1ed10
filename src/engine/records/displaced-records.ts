import type { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { allRecords } from './read-records.ts';
import type { DisplacedRecord } from './records.ts';
import { putRecords, removeRecords } from './write-records.ts';

/** The displaced documents of a migration, in `linkspan_internal` on the destination. */
export class DisplacedRecords {
  readonly #fence: Fence;
  readonly #retrier: Retrier;

  constructor(fence: Fence, retrier: Retrier) {
    this.#fence = fence;
    this.#retrier = retrier;
  }

  get migrationId(): string {
    return this.#fence.migrationId;
  }

  async all(): Promise<DisplacedRecord[]> {
    const own = { '_id.m': this.migrationId };
    return await this.#retrier.run('the destination', () => allRecords<DisplacedRecord>(this.#fence, 'displaced', own));
  }

  /** Adds records, or replaces their marks. Durable when it returns. Isn't retried: the caller repeats it with the delete. */
  async put(records: readonly DisplacedRecord[]): Promise<void> {
    await putRecords(this.#fence, 'displaced', records);
  }

  /** Removes records, except for those whose mark was replaced since. */
  async remove(records: readonly DisplacedRecord[]): Promise<void> {
    // rule: keep-record-of-redisplaced
    await this.#retrier.run('the destination', () => removeRecords(this.#fence, 'displaced', records));
  }
}
