import { readEvents, type StreamPart } from '../../contract/index.ts';
import type { ApiClient } from './client.ts';

/** The server says something at least every 10 s. */
const SILENT_AFTER_MS = 25_000;
/** A stream that says nothing in this time does not pass, for example because a proxy collects answers. */
const FIRST_WORD_MS = 5_000;

/**
 * Fetches a record again and again from a stream of its changes, which is opened again each minute. It asks for the record where no stream
 * passes, and after the end of each one.
 */
export class RecordStream implements Disposable {
  readonly #api: Pick<ApiClient, 'ask' | 'stream'>;
  readonly #path: string;
  #leave = new AbortController();
  #parts: AsyncGenerator<StreamPart, void> | undefined;
  #last: unknown;
  #passes = true;

  /** @param path  the part after `/api/atlas/v2`, of a record whose answer may be a stream */
  constructor(api: Pick<ApiClient, 'ask' | 'stream'>, path: string) {
    this.#api = api;
    this.#path = path;
  }

  /**
   * Returns the record after its next change, or as before when the server says that it has not changed.
   * @throws UserError as {@link ApiClient.ask}
   */
  async look(): Promise<unknown> {
    if (!this.#passes) return await this.#api.ask('GET', this.#path);
    const isNew = this.#parts === undefined;
    try {
      return await this.#change(isNew ? FIRST_WORD_MS : SILENT_AFTER_MS);
    } catch {
      this.#leave.abort();
      // The request has the same error, unless only the stream has ended.
      this.#parts = undefined;
      this.#last = await this.#api.ask('GET', this.#path);
      this.#passes = !isNew;
      return this.#last;
    }
  }

  async #change(withinMs: number): Promise<unknown> {
    if (this.#parts === undefined) this.#leave = new AbortController();
    const silence = setTimeout(() => this.#leave.abort(), withinMs);
    try {
      this.#parts ??= readEvents(await this.#api.stream(this.#path, this.#leave.signal));
      for (;;) {
        const { value: part } = await this.#parts.next();
        if (part?.kind === 'event' && part.name === 'snapshot') this.#last = JSON.parse(part.data);
        else if (part?.kind !== 'comment') throw new Error('The stream has ended');
        if (this.#last !== undefined) return this.#last;
      }
    } finally {
      clearTimeout(silence);
    }
  }

  [Symbol.dispose](): void {
    this.#leave.abort();
  }
}
