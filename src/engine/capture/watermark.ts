import type { Timestamp } from 'mongodb';
import type { ResumeToken } from './change-stream.ts';

interface Mark {
  readonly sequence: number;
  readonly token: ResumeToken;
  readonly time: Timestamp;
  /** Bytes of the batch in memory. */
  readonly bytes: number;
}

/** The oldest batches with something pending; Infinity for none. */
interface OldestBatches {
  /** With a change that isn't acknowledged by the destination, nor in the spool. */
  readonly unapplied: () => number;
  /** With an applied change that isn't compared since. */
  readonly uncompared: () => number;
}

/**
 * Two positions of the stream. Everything before `applied` is on the destination or in the spool; everything before
 * `safe` was also compared after it was applied, and a run can resume there. Both depend on the changes that are
 * dispatched and not yet acknowledged, and not on each worker's last result: an idle worker must neither hold it back
 * nor let it jump (docs/reference/pitfalls.md#pitfall-5).
 */
export class Watermark {
  readonly #marks: Mark[];
  readonly #oldest: OldestBatches;

  constructor(start: { readonly token: ResumeToken; readonly time: Timestamp }, oldest: OldestBatches) {
    this.#marks = [{ sequence: 0, bytes: 0, ...start }];
    this.#oldest = oldest;
  }

  /** Notes that a whole batch was dispatched. Sequences increase. */
  dispatched(mark: Mark): void {
    this.#marks.push(mark);
  }

  /** Notes a batch without pending changes: it is safe as soon as all before it are. */
  passed(position: Pick<Mark, 'token' | 'time'>): void {
    const last = this.#marks.pop();
    if (last !== undefined) this.#marks.push({ ...last, ...position });
  }

  /** Bytes of the batches that aren't fully safe yet. */
  get heldBytes(): number {
    const { sequence } = this.applied;
    return this.#marks.reduce((sum, mark) => (mark.sequence > sequence ? sum + mark.bytes : sum), 0);
  }

  /** The position up to which everything is on the destination or in the spool. */
  get applied(): Mark {
    const pending = this.#oldest.unapplied();
    const next = this.#marks.findIndex(({ sequence }, index) => index > 0 && sequence >= pending);
    return this.#markAt(next < 0 ? this.#marks.length - 1 : next - 1);
  }

  /** The latest position from which a run can safely resume. */
  get safe(): Mark {
    // rule: checkpoint-after-comparison
    const pending = Math.min(this.#oldest.unapplied(), this.#oldest.uncompared());
    // rule: checkpoint-after-whole-batch
    while (this.#marks.length > 1 && (this.#marks[1]?.sequence ?? Number.POSITIVE_INFINITY) < pending)
      this.#marks.shift();
    return this.#markAt(0);
  }

  #markAt(index: number): Mark {
    const mark = this.#marks[index];
    if (mark === undefined) throw new Error('A watermark always has a mark');
    return mark;
  }
}
