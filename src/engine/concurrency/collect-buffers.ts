import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Bytes read or sent between two collections of young objects, which take about a millisecond. Replies are garbage as
 * soon as they are read; without this, V8 marks the whole heap for every few of them.
 */
const YOUNG_EVERY_BYTES = 16_000_000;
/** The same for collections of all objects, which take tens of milliseconds. */
const ALL_EVERY_BYTES = 32_000_000;

/**
 * Frees unused buffers once buffers take much memory. V8 counts a buffer of 16 MiB as an object of a few bytes, and
 * keeps hundreds of megabytes of garbage before it collects.
 */
export class BufferCollector {
  readonly #mostBytes: number;
  #sinceYoung = 0;
  #sinceAll = 0;

  /** @param mostBytes  bytes in buffers above which all are collected */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @param bytes  about to be read or sent */
  used(bytes: number): void {
    this.#sinceYoung += bytes;
    this.#sinceAll += bytes;
    if (this.#sinceYoung < YOUNG_EVERY_BYTES) return;
    this.#sinceYoung = 0;
    collect({ type: 'minor' });
    if (this.#sinceAll < ALL_EVERY_BYTES || process.memoryUsage().arrayBuffers < this.#mostBytes) return;
    this.#sinceAll = 0;
    collect();
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
