import { failpoint } from '../../platform/index.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Pace, Records } from '../records/context.ts';
import type { NaturalPosition, PartitionRecord } from '../records/records.ts';

/** Where the reading of a partition resumes, by its order. */
export type PartitionPosition =
  | Pick<PartitionRecord, 'lastId'>
  | { readonly natural: Omit<NaturalPosition, 'documents' | 'bytes'> };

/** A batch that the destination has. */
export interface CopiedBatch {
  readonly position: PartitionPosition;
  readonly documents: number;
  readonly bytes: number;
  /** Whether the reading began again with this batch. */
  readonly startsOver: boolean;
}

const SAVE_PROGRESS_EVERY_MS = 1_000;

/**
 * The acknowledged part of a partition. It counts for reports once it is on record, so that a successor never reports
 * less.
 */
export class PartitionProgress {
  readonly #context: Records & Pace;
  readonly #collection: TrackedCollection;
  readonly #partition: PartitionRecord;
  #position: PartitionPosition;
  #documents: number;
  #bytes: number;
  #recorded: { readonly documents: number; readonly bytes: number };
  #savedAtMs: number;

  constructor(context: Records & Pace, collection: TrackedCollection, partition: PartitionRecord) {
    const { natural } = partition;
    this.#context = context;
    this.#collection = collection;
    this.#partition = partition;
    this.#position = natural === undefined ? { lastId: partition.lastId } : { natural };
    // A capped collection is read again from its beginning.
    this.#documents = collection.isCapped ? 0 : (natural ?? partition).documents;
    this.#bytes = collection.isCapped ? 0 : (natural ?? partition).bytes;
    this.#recorded = partition;
    this.#savedAtMs = context.clock.elapsed();
  }

  /** Documents up to the position, and the most that were ever on record. */
  get documents(): { readonly copied: number; readonly recorded: number } {
    return { copied: this.#documents, recorded: this.#recorded.documents };
  }

  /** Notes a batch; they come in order. */
  async advance({ position, documents, bytes, startsOver }: CopiedBatch): Promise<void> {
    this.#position = position;
    this.#documents = documents + (startsOver ? 0 : this.#documents);
    this.#bytes = bytes + (startsOver ? 0 : this.#bytes);
    if (this.#context.clock.elapsed() - this.#savedAtMs < SAVE_PROGRESS_EVERY_MS) return;
    this.#savedAtMs = this.#context.clock.elapsed();
    await this.save();
    await failpoint('engine.copy.progress-saved');
  }

  async finish(): Promise<void> {
    await this.save(true);
    this.#collection.copied.partitionsDone += 1;
  }

  async save(done = false): Promise<void> {
    const { copied } = this.#collection;
    const counted = { documents: this.#documents, bytes: this.#bytes };
    const documents = Math.max(this.#documents, this.#recorded.documents);
    const bytes = Math.max(this.#bytes, this.#recorded.bytes);
    const position =
      'natural' in this.#position ? { natural: { ...this.#position.natural, ...counted } } : this.#position;
    await this.#context.checkpoint.savePartition(this.#partition._id, { ...position, documents, bytes, done });
    copied.documents += documents - this.#recorded.documents;
    copied.bytes += bytes - this.#recorded.bytes;
    this.#recorded = { documents, bytes };
  }
}
