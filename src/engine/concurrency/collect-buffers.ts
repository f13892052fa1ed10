import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collecting takes some ten milliseconds: so much has to have been read or sent since the last time. */
const EVERY_BYTES = 32_000_000;

/**
 * Frees buffers that nobody has any more, when there is much in buffers. V8 sees a buffer of 16 MiB as an object of a few bytes, and lets
 * a hundred megabytes of them wait before it looks.
 */
export class BufferCollector {
  readonly #mostBytes: number;
  #usedBytes = 0;

  /** @param mostBytes  in buffers, before they are collected */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @param bytes  that are about to be read or sent */
  used(bytes: number): void {
    this.#usedBytes += bytes;
    if (this.#usedBytes < EVERY_BYTES || process.memoryUsage().arrayBuffers < this.#mostBytes) return;
    this.#usedBytes = 0;
    collect();
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
