import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Bytes read or sent between two collections. A collection takes about ten milliseconds, so it must not run more often.
 */
const EVERY_BYTES = 32_000_000;

/**
 * Frees unused buffers once buffers take much memory. V8 counts a buffer of 16 MiB as an object of a few bytes, and
 * keeps hundreds of megabytes of garbage before it collects.
 */
export class BufferCollector {
  readonly #mostBytes: number;
  #usedBytes = 0;

  /** @param mostBytes  bytes in buffers above which they are collected */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @param bytes  about to be read or sent */
  used(bytes: number): void {
    this.#usedBytes += bytes;
    if (this.#usedBytes < EVERY_BYTES || process.memoryUsage().arrayBuffers < this.#mostBytes) return;
    this.#usedBytes = 0;
    collect();
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
