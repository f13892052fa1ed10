import type { Timestamp } from 'mongodb';
import type { ResumeToken } from './change-stream.ts';

interface Mark {
  readonly sequence: number;
  readonly token: ResumeToken;
  readonly time: Timestamp;
  /** Bytes of the batch in memory. */
  readonly bytes: number;
}

/**
 * The position up to which the stream is safe: everything before it is on the destination or in the spool. It depends
 * on what is dispatched and not yet acknowledged, and not on each worker's last result: an idle worker must neither
 * hold it back nor let it jump (docs/reference/pitfalls.md#pitfall-5).
 */
export class Watermark {
  readonly #marks: Mark[];
  readonly #oldestPending: () => number;

  /** @param oldestPending  the oldest batch with something not yet acknowledged; Infinity for none */
  constructor(start: { readonly token: ResumeToken; readonly time: Timestamp }, oldestPending: () => number) {
    this.#marks = [{ sequence: 0, bytes: 0, ...start }];
    this.#oldestPending = oldestPending;
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
    const { sequence } = this.safe;
    return this.#marks.reduce((sum, mark) => (mark.sequence > sequence ? sum + mark.bytes : sum), 0);
  }

  /** The latest position from which a run can safely resume. */
  get safe(): Mark {
    const pending = this.#oldestPending();
    while (this.#marks.length > 1 && (this.#marks[1]?.sequence ?? Number.POSITIVE_INFINITY) < pending)
      this.#marks.shift();
    const [mark] = this.#marks;
    if (mark === undefined) throw new Error('A watermark always has a mark');
    return mark;
  }
}
