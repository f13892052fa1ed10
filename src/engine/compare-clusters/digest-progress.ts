import type { Wait } from '../../contract/index.ts';
import type { Retrier } from '../mongodb/retry.ts';

/** How far a digest is, for an operator. */
export class DigestProgress {
  readonly #retrier: Retrier;
  /** Collections that are digested, and those that are complete. */
  collections = 0;
  collectionsDone = 0;
  documents = 0;
  bytes = 0;

  constructor(retrier: Retrier) {
    this.#retrier = retrier;
  }

  get waiting(): readonly Wait[] {
    return this.#retrier.waits;
  }

  add(documents: number, bytes: number): void {
    this.documents += documents;
    this.bytes += bytes;
  }
}
