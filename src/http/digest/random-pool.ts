import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4096;

/** Random bytes for values that are not secret, drawn many at a time: a call of the generator costs as much for 5 bytes as for 4096. */
export class RandomPool {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #used = POOL_BYTES;

  /** Copies `length` bytes that nobody was given before into `target`. */
  fill(target: Buffer, offset: number, length: number): void {
    if (this.#used + length > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    this.#pool.copy(target, offset, this.#used, this.#used + length);
    this.#used += length;
  }
}
