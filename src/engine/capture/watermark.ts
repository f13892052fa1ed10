import type { Timestamp } from 'mongodb';
import type { ResumeToken } from './change-stream.ts';

interface Mark {
  readonly sequence: number;
  readonly token: ResumeToken;
  readonly time: Timestamp;
  /** Of the batch in memory. */
  readonly bytes: number;
}

/**
 * How far the stream is safe: all that came before is on the destination or in the spool. It is computed over what is dispatched and
 * not yet acknowledged, never over what a worker did last: a worker that did nothing must not hold it back or let it jump [5].
 */
export class Watermark {
  readonly #marks: Mark[];
  readonly #oldestPending: () => number;

  /** @param oldestPending  the oldest batch with something not yet acknowledged; Infinity for none */
  constructor(start: { readonly token: ResumeToken; readonly time: Timestamp }, oldestPending: () => number) {
    this.#marks = [{ sequence: 0, bytes: 0, ...start }];
    this.#oldestPending = oldestPending;
  }

  /** A batch was dispatched to its end. Sequences rise. */
  dispatched(mark: Mark): void {
    this.#marks.push(mark);
  }

  /** A batch had nothing to wait for: it is safe as soon as all before it is. */
  passed(position: Pick<Mark, 'token' | 'time'>): void {
    const last = this.#marks.pop();
    if (last !== undefined) this.#marks.push({ ...last, ...position });
  }

  /** Bytes of the batches of which something is not safe yet. */
  get heldBytes(): number {
    const { sequence } = this.safe;
    return this.#marks.reduce((sum, mark) => (mark.sequence > sequence ? sum + mark.bytes : sum), 0);
  }

  /** The latest position that is safe to go on from. */
  get safe(): Mark {
    const pending = this.#oldestPending();
    while (this.#marks.length > 1 && (this.#marks[1]?.sequence ?? Number.POSITIVE_INFINITY) < pending)
      this.#marks.shift();
    const [mark] = this.#marks;
    if (mark === undefined) throw new Error('A watermark always has a mark');
    return mark;
  }
}
